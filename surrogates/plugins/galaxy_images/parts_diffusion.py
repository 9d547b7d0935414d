"""The learned generator with discs and mergers drawn by denoising diffusion, the literature's second method.

Canonical frames are those of `learned`; smooth parts, the number of arms and knots are learned as there. Noise is added
to scores of principal components (of discs by their number of arms), which hold all but 2e-4 of the numbers' variance,
and taken off by perceptrons that are told the time, and the disc's the number of arms; `surrogate.using(steps=…,
method=…)` chooses the sampler. Linear schedule 1e-4 … 0.02 of 1000 steps: Ho et al. 2020, arXiv:2006.11239.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from ...models.diffusion import Sampler, Schedule, diffuse, diffusion_steps
from ...networks.mlp import MLP
from ...networks.time import fourier_features
from .learned import LearnedGalaxies, PartsCodec
from .learned_training import learning
from .parts import HIGHEST, MERGER_NUMBERS, RINGS

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

COMPONENTS = {"disc": 32, "merger": 12}
"""Principal components of the numbers of each."""

LEVELLED = {"disc": 0.5, "merger": 1.0}
"""Power of a component's own spread that is taken off its scores: at 1 all have variance 1, at 0.5 the first has."""

TIMES = 4
"""Times at which each part of a batch is noised."""

_TIME_FEATURES = 32


class ScoresCodec(PartsCodec):
    """`PartsCodec` that also finds the principal components of discs, by their number of arms, and of mergers.

    Attributes
    ----------
    disc_middle, merger_middle : Tensor
        (kinds, numbers): mean of the encoded numbers; one kind of mergers, `HIGHEST` of discs.
    disc_axes, merger_axes : Tensor
        (kinds, numbers, components): encoded numbers are the mean and axes times scores.
    """

    disc_middle: Tensor
    merger_middle: Tensor
    disc_axes: Tensor
    merger_axes: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, kinds, size in (("disc", HIGHEST, 2 * HIGHEST * len(RINGS)), ("merger", 1, MERGER_NUMBERS)):
            self.register_buffer(f"{name}_middle", torch.zeros(kinds, size, dtype=torch.float64))
            self.register_buffer(f"{name}_axes", torch.zeros(kinds, size, COMPONENTS[name], dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Find what `PartsCodec` does, then the components of each kind that is there."""
        super().fit(pools)
        for pool in pools:
            encoded = self.encode(pool)
            if "disc" in encoded:
                for kind in encoded["arms"].unique().tolist():
                    self._components("disc", kind, encoded["disc"][encoded["arms"] == kind])
            if "merger" in encoded:
                self._components("merger", 0, encoded["merger"])

    def _components(self, name: str, kind: int, numbers: Tensor) -> None:
        middle = numbers.mean(0)
        _, lengths, axes = torch.linalg.svd(numbers - middle, full_matrices=False)
        held = min(COMPONENTS[name], len(lengths))
        spread = (lengths[:held] / len(numbers) ** 0.5).clamp(min=1e-9)
        scores = (spread / spread[0]) ** (1.0 - LEVELLED[name])
        getattr(self, f"{name}_middle")[kind] = middle
        getattr(self, f"{name}_axes")[kind, :, :held] = axes[:held].T * (spread / scores)


class PartsDiffusion(LearnedGalaxies):
    """`LearnedGalaxies` whose discs and mergers are scores of principal components, freed of noise step by step.

    Parameters
    ----------
    codec : ScoresCodec
        Fitted.
    width : int
        Of the networks that find the noise.
    """

    disc_middle: Tensor
    merger_middle: Tensor
    disc_axes: Tensor
    merger_axes: Tensor

    def __init__(self, codec: ScoresCodec, width: int = 256) -> None:
        super().__init__(codec, 1)
        for name in ("disc_middle", "merger_middle", "disc_axes", "merger_axes"):
            self.register_buffer(name, getattr(codec, name).float(), persistent=False)
        disc, merger = COMPONENTS.values()
        self.disc = MLP(disc, disc, width, 4, context=_TIME_FEATURES + HIGHEST, residual=True, zero_output=True)
        self.merger = MLP(merger, merger, width, 4, context=_TIME_FEATURES, residual=True, zero_output=True)
        self.schedule = Schedule()
        self.options = Sampler(steps=50)

    def noise_of_disc(self, x: Tensor, time: Tensor, arms: Tensor) -> Tensor:
        """Noise in the scores (n, components) of discs at times (n,) in [0, 1]."""
        told = torch.cat((fourier_features(time.to(x), _TIME_FEATURES), functional.one_hot(arms, HIGHEST).to(x)), dim=1)
        return self._noise(x, time, self.disc(x, told))

    def noise_of_merger(self, x: Tensor, time: Tensor) -> Tensor:
        """Noise in the scores (n, components) of mergers at times (n,) in [0, 1]."""
        return self._noise(x, time, self.merger(x, fourier_features(time.to(x), _TIME_FEATURES)))

    def _noise(self, x: Tensor, time: Tensor, found: Tensor) -> Tensor:
        """Networks add to what x itself says of its noise (Salimans, Ho 2022, arXiv:2202.00512, appendix D)."""
        signal, spread = self.schedule.shares((time * (len(self.schedule) - 1)).round().long(), x)
        return spread * x + signal * found

    def draw_disc(self, arms: Tensor, noise: Noise) -> Tensor:
        return self._drawn("disc", lambda x, time: self.noise_of_disc(x, time, arms), arms, noise)

    def draw_merger(self, noise: Noise) -> Tensor:
        kind = torch.zeros(len(noise), dtype=torch.int64, device=self.merger_axes.device)
        return self._drawn("merger", self.noise_of_merger, kind, noise)

    def _drawn(self, name: str, denoise: Callable[[Tensor, Tensor], Tensor], kind: Tensor, noise: Noise) -> Tensor:
        scores = diffuse(denoise, self.schedule, (COMPONENTS[name],), noise, self.options, draw=name)
        middle, axes = getattr(self, f"{name}_middle"), getattr(self, f"{name}_axes")
        return middle[kind] + torch.einsum("nk,nik->ni", scores, axes[kind])

    def scores(self, name: str, numbers: Tensor, kind: Tensor) -> Tensor:
        """Scores (n, components) of encoded numbers of discs of `arms` + 1 strongest harmonics, or mergers, kind 0."""
        middle, axes = getattr(self, f"{name}_middle"), getattr(self, f"{name}_axes")
        inverse = axes / axes.square().sum(1, keepdim=True).clamp(min=1e-12)
        return torch.einsum("ni,nik->nk", numbers - middle[kind], inverse[kind])


def _clean_disc(model: PartsDiffusion, batch: Batch) -> Tensor:
    return model.scores("disc", batch.encoded["disc"].float(), batch.encoded["arms"]).repeat(TIMES, 1)


def _clean_merger(model: PartsDiffusion, batch: Batch) -> Tensor:
    merger = batch.encoded["merger"].float()
    return model.scores("merger", merger, torch.zeros_like(merger[:, 0], dtype=torch.int64)).repeat(TIMES, 1)


disc_steps = diffusion_steps(
    _clean_disc,
    lambda model, batch, x, time: model.noise_of_disc(x, time, batch.encoded["arms"].repeat(TIMES)),
    network="disc",
)
merger_steps = diffusion_steps(
    _clean_merger, lambda model, batch, x, time: model.noise_of_merger(x, time), network="merger"
)
learn = learning(disc_steps, merger_steps)
