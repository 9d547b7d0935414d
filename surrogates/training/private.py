"""Private updates: one gradient a sample, clipped, summed, and drowned in Gaussian noise; batches by Poisson's law.

Abadi et al. 2016, "Deep learning with differential privacy", CCS (arXiv:1607.00133), for neighbours that differ by one
sample added or removed. A sample is whatever a row of the pool is: one patient, where each patient has one row.

What is drawn, batches and noise, comes from the operating system's entropy and is kept nowhere. What has been spent is
written down before it is: a run that is killed has its begun updates counted, and skips them when it goes on.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..contract.errors import SurrogatesError
from ..io.atomic import replacing

if TYPE_CHECKING:
    from ..contract.recipe import Phase
    from .pools import Pool

LEDGER = "privacy.json"
"""File of a run that holds what its private phases have spent."""
AHEAD = 25
"""Updates that are written down as spent before the first of them begins."""
CHUNK = 32
"""Samples whose gradients are held at a time."""

Tensors = dict[str, Tensor]


class PrivacyError(SurrogatesError, RuntimeError):
    """A phase that cannot be private as it stands; one line that says why."""


class _Losses(nn.Module):
    """The steps of a phase as a module of one sample, so that its parameters can be replaced."""

    def __init__(self, model: nn.Module, steps: Callable[..., Iterator[tuple[str, Tensor]]]) -> None:
        super().__init__()
        self.model, self.steps = model, steps

    def forward(self, name: str, encoded: Tensors, conditions: Tensors, step: int) -> Tensor:
        """The loss of one sample, given as a batch of one."""
        from ..contract.recipe import Batch

        one = [{key: tensor[None] for key, tensor in side.items()} for side in (encoded, conditions)]
        steps = list(self.steps(self.model, Batch(one[0], one[1], None, step)))  # type: ignore[arg-type]
        if len(steps) != 1 or steps[0][0] != name:
            raise PrivacyError(
                f"steps: a private phase yielded {[found for found, _ in steps]}; expected one loss a sample of {name}"
            )
        loss = steps[0][1]
        if loss.shape != (1,):
            raise PrivacyError(
                f"{name}: a loss of shape {tuple(loss.shape)} for one sample; expected one loss a sample, (n,): the "
                "gradient of a loss that is summed or averaged over a batch cannot be clipped a sample, and would leak"
            )
        return loss[0]


def clipped_sum(
    model: nn.Module, phase: Phase, name: str, encoded: Tensors, conditions: Tensors, clip: float, step: int
) -> list[Tensor]:
    """Sum over samples of the gradients of one submodule, each scaled to a norm of `clip` at the most.

    Raises
    ------
    PrivacyError
        Steps that yield more than one loss, or a scalar one.
    """
    from torch.func import functional_call, grad, vmap

    losses = _Losses(model, phase.steps)
    submodule = model.get_submodule(name)
    own = {f"model.{name}.{key}": p.detach() for key, p in submodule.named_parameters() if p.requires_grad}

    def loss(parameters: Tensors, sample: Tensors, about: Tensors) -> Tensor:
        return functional_call(losses, parameters, (name, sample, about, step))

    total = [torch.zeros_like(p) for p in own.values()]
    count = len(next(iter(encoded.values())))
    each = vmap(grad(loss), in_dims=(None, 0, 0), randomness="different")
    for start in range(0, count, CHUNK):
        part = [{key: t[start : start + CHUNK] for key, t in side.items()} for side in (encoded, conditions)]
        gradients = [g.flatten(1) for g in each(own, *part).values()]
        norm = torch.stack([g.square().sum(dim=1) for g in gradients]).sum(dim=0).sqrt()
        scale = (clip / norm.clamp_min(1e-12)).clamp_max(1.0)
        scale = torch.where(norm.isfinite(), scale, 0.0)  # a sample whose gradient is not finite adds nothing
        for place, g in zip(total, gradients, strict=True):
            place += (scale @ torch.where(g.isfinite(), g, 0.0)).view_as(place)
    return total


class PrivatePhase:
    """What a private phase draws and spends.

    Parameters
    ----------
    phase : Phase
        With its `privacy`, and one optimiser.
    samples : int
        Rows of the pool.
    batch_size : int
        Expected size of a batch.
    folder : Path
        Of the run, where the ledger lies.

    Raises
    ------
    PrivacyError
        More than one submodule, a delta that is not below 1/n, a batch above the pool, or a ledger of other settings.
    """

    def __init__(self, phase: Phase, samples: int, batch_size: int, folder: Path) -> None:
        privacy: Any = phase.privacy
        if len(phase.optimisers) != 1:
            raise PrivacyError(f"optimisers: {', '.join(phase.optimisers)}; a private phase trains one submodule")
        self.phase, self.updates = phase, phase.updates
        if not 0.0 < privacy.delta < 1.0 / samples:
            raise PrivacyError(f"delta: {privacy.delta:g} with {samples} samples; expected less than {1 / samples:.3g}")
        if batch_size > samples:
            raise PrivacyError(f"batch_size: {batch_size} of {samples} samples; expected no more than there are")
        self.rate, self.samples, self.batch_size = batch_size / samples, samples, batch_size
        noise: Any = privacy.noise_multiplier
        self.clip, self.delta = privacy.clip, privacy.delta
        self.path = folder / LEDGER
        self.begun = 0
        kept: dict[str, Any] = {}
        if self.path.exists():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        solved: Any = noise(self.rate, self.updates, samples) if callable(noise) and not kept else noise
        self.noise = float(kept["noise_multiplier"] if kept else solved)
        self.settings = {
            "samples": samples,
            "sampling_rate": self.rate,
            "noise_multiplier": self.noise,
            "clip": self.clip,
            "delta": self.delta,
            "updates": self.updates,
        }
        if kept:
            differing = [key for key, value in self.settings.items() if kept.get(key) != value]
            if differing:
                key = differing[0]
                raise PrivacyError(
                    f"{self.path}: the run was begun with {key} = {kept.get(key)}, now {self.settings[key]}; train anew"
                )
            self.begun = int(kept["begun"])
        self.source = np.random.Generator(np.random.Philox(key=secrets.randbits(128)))

    @classmethod
    def of(cls, phase: Phase, samples: int, batch_size: int, folder: Path) -> PrivatePhase | None:
        """That of a phase, or None of one that is not private."""
        return None if phase.privacy is None else cls(phase, samples, batch_size, folder)

    def goes_on_at(self, step: int) -> int:
        """The update to go on with: those that a killed run had begun are spent, and left out."""
        return max(step, self.begun)

    def begin(self, step: int) -> None:
        """Write down that this update, and some after it, are spent."""
        if step >= self.begun:
            self.settle(min(step + AHEAD, self.updates))

    def settle(self, step: int) -> None:
        """Write down that so many updates are spent: at a checkpoint it is known."""
        with replacing(self.path, overwrite=True) as temporary:
            temporary.write_text(json.dumps({**self.settings, "begun": step}, indent=2) + "\n", encoding="utf-8")
        self.begun = step

    def rows(self) -> Tensor:
        """Rows of a batch: each sample by its own coin."""
        return torch.from_numpy(np.flatnonzero(self.source.random(self.samples) < self.rate))

    def set_gradients(self, model: nn.Module, parameters: Sequence[nn.Parameter], pool: Pool, step: int) -> Tensor:
        """Give the parameters the noisy gradients of one update, once it is written down; their norm."""
        self.begin(step)
        (name,) = self.phase.optimisers
        rows = self.rows().to(parameters[0].device)
        encoded, conditions = (
            {key: tensor.index_select(0, rows) for key, tensor in side.items()}
            for side in (pool.outputs, pool.conditions)
        )
        gradients = self.noised(clipped_sum(model, self.phase, name, encoded, conditions, self.clip, step))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return torch.linalg.vector_norm(torch.stack([gradient.norm() for gradient in gradients]))

    def noised(self, total: list[Tensor]) -> list[Tensor]:
        """A sum of clipped gradients with its noise, over the expected size of a batch."""
        found = []
        for place in total:
            drawn = torch.from_numpy(self.source.standard_normal(tuple(place.shape)))
            found.append((place + self.noise * self.clip * drawn.to(place)) / self.batch_size)
        return found


def spent(folder: Path) -> Mapping[str, Any] | None:
    """What a run's ledger says, or None where the run has no private phase."""
    path = folder / LEDGER
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
