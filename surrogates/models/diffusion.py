"""Denoising diffusion: trained on predicted noise, with laws on the reconstructed data; ancestral and DDIM sampling.

Ho, Jain, Abbeel 2020, "Denoising diffusion probabilistic models", arXiv:2006.11239, with its linear schedule; sampling
with chosen steps after Song, Meng, Ermon 2021, "Denoising diffusion implicit models", arXiv:2010.02502, eqs. 12 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ..contract.recipe import Batch, Model
    from ..noise import Noise

METHODS = ("ddim", "ancestral")


@dataclass(frozen=True)
class Sampler:
    """How noise is turned into samples.

    Attributes
    ----------
    steps : int
        Passes through the network, at times spread evenly over the schedule.
    method : {"ddim", "ancestral"}
        Deterministic (eta = 0), or with fresh noise at every step (eta = 1, which at all of the schedule's steps is
        the sampler of arXiv:2006.11239, algorithm 2, with its lower variance).
    """

    steps: int = 25
    method: str = "ddim"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: {self.steps}; expected at least 1")
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is unknown; expected one of {', '.join(METHODS)}")


class Schedule(nn.Module):
    """Linear variance schedule; time t = 0 … steps - 1 has x_t = sqrt(kept) x_0 + sqrt(1 - kept) noise.

    Parameters
    ----------
    steps : int
        Of the chain that training sees.
    first, last : float
        Variance added by the first and by the last step.

    Attributes
    ----------
    kept : Tensor
        (steps,) float64, the share of the variance that is the data's: alpha-bar of arXiv:2006.11239, eq. 4.
    """

    kept: Tensor

    def __init__(self, steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> None:
        super().__init__()
        if steps < 1 or not 0.0 < first <= last < 1.0:
            raise ValueError(f"schedule: {steps} steps from {first} to {last}; expected 0 < first <= last < 1")
        added = torch.linspace(first, last, steps, dtype=torch.float64)
        self.register_buffer("kept", torch.cumprod(1.0 - added, dim=0), persistent=False)

    def __len__(self) -> int:
        return len(self.kept)

    def shares(self, time: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(kept) and sqrt(1 - kept) at times (n,), shaped and typed to multiply `like` (n, ...)."""
        kept = self.kept[time].view(-1, *(1,) * (like.ndim - 1))
        return torch.sqrt(kept).to(like.dtype), torch.sqrt(1.0 - kept).to(like.dtype)

    def noised(self, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """x_t of data and noise (n, ...) at times (n,)."""
        signal, spread = self.shares(time, data)
        return signal * data + spread * noise

    def reconstructed(self, noised: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """x_0 that x_t and its noise imply (arXiv:2006.11239, eq. 15)."""
        signal, spread = self.shares(time, noised)
        return (noised - spread * noise) / signal

    def visited(self, steps: int) -> list[int]:
        """Times that a sampler of so many steps visits, the noisiest first, ending at 0."""
        if steps > len(self):
            raise ValueError(f"steps: {steps}; expected at most {len(self)}, those of the training schedule")
        if steps == 1:
            return [len(self) - 1]
        return torch.linspace(len(self) - 1, 0, steps, dtype=torch.float64).round().long().tolist()


def diffuse(
    denoise: Callable[[Tensor, Tensor], Tensor],
    schedule: Schedule,
    shape: tuple[int, ...],
    noise: Noise,
    sampler: Sampler,
    *,
    bounds: tuple[float, float] | None = None,
    draw: str = "diffusion",
) -> Tensor:
    """Samples ``(n, *shape)`` from noise.

    Parameters
    ----------
    denoise : callable
        ``denoise(x, time)``: the noise in x (n, *shape) at times (n,) in [0, 1].
    schedule : Schedule
    shape : tuple of int
        Of one sample.
    noise : Noise
        Draws (`draw`, "start") and, for ancestral sampling, (`draw`, number of the step).
    sampler : Sampler
    bounds : (float, float), optional
        Range of the data, to which every reconstruction is clipped.
    draw : str
        Leads the names of the draws.

    Returns
    -------
    Tensor
        float32.
    """
    x = noise.normal(shape, draw, "start").float()
    times = schedule.visited(sampler.steps)
    for number, (now, later) in enumerate(zip(times, [*times[1:], None], strict=True)):
        time = torch.full((len(x),), now, device=x.device)
        found = denoise(x, time.float() / (len(schedule) - 1)).float()
        data = schedule.reconstructed(x, found, time)
        if bounds is not None:
            data = data.clamp(*bounds)
            signal, spread = schedule.shares(time, x)
            found = (x - signal * data) / spread
        if later is None:
            return data
        kept, kept_later = float(schedule.kept[now]), float(schedule.kept[later])
        fresh = 0.0
        if sampler.method == "ancestral":
            fresh = ((1.0 - kept_later) / (1.0 - kept) * (1.0 - kept / kept_later)) ** 0.5
        x = kept_later**0.5 * data + max(1.0 - kept_later - fresh**2, 0.0) ** 0.5 * found
        if fresh:
            x = x + fresh * noise.normal(shape, draw, number).float()
    raise AssertionError("a schedule visits at least one time")


@dataclass(frozen=True)
class Penalty:
    """A law of the data, imposed on what the network's noise implies for x_0.

    Attributes
    ----------
    weight : float
    residual : callable
        (model, batch, reconstructed data) -> one value a sample, (n,), 0 where the law holds.
    """

    weight: float
    residual: Callable[[Any, Batch, Tensor], Tensor]


def diffusion_steps(
    data: Callable[[Any, Batch], Tensor],
    denoise: Callable[[Any, Batch, Tensor, Tensor], Tensor],
    *,
    laws: tuple[Penalty, ...] = (),
    network: str = "network",
    schedule: str = "schedule",
) -> Callable[[Model, Batch], Iterator[tuple[str, Tensor]]]:
    """Steps of a phase that trains a network to find the noise (arXiv:2006.11239, eq. 14).

    Parameters
    ----------
    data : callable
        (model, batch) -> x_0, (n, ...).
    denoise : callable
        (model, batch, x_t, times in [0, 1]) -> the noise in x_t.
    laws : tuple of Penalty
        Each adds weight * kept^2 * residual: what a very noisy x_t implies for x_0 says little about a law.
    network, schedule : str
        The model's submodules: what is updated, and its `Schedule`.
    """

    def steps(model: Model, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        chain: Schedule = getattr(model, schedule)
        clean = data(model, batch)
        time = torch.randint(len(chain), (len(clean),), device=clean.device)  # the loop seeds torch anew every step
        noise = torch.randn_like(clean)
        noised = chain.noised(clean, noise, time)
        found = denoise(model, batch, noised, time.to(clean.dtype) / (len(chain) - 1)).to(clean.dtype)
        loss = (found - noise).square().flatten(1).mean(dim=1)
        if laws:
            implied = chain.reconstructed(noised, found, time)
            trust = chain.kept[time].to(clean.dtype).square()
            for law in laws:
                loss = loss + law.weight * trust * law.residual(model, batch, implied)
        yield network, loss

    return steps
