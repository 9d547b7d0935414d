"""Flow matching of vectors and masked sets: training, few-step sampling and distillation to one step.

Lipman et al. 2023, "Flow matching for generative modeling", arXiv:2210.02747, with the straight (optimal-transport)
path x_t = (1 - t) x_0 + t x_1 from noise x_0 to data x_1; distillation regresses the teacher's deterministic coupling
of noise and sample, as in Liu et al. 2023, "Flow straight and fast", arXiv:2209.03003, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.time import fourier_features

if TYPE_CHECKING:
    from ..contract.recipe import Batch, Model
    from ..noise import Noise

METHODS = ("euler", "midpoint", "heun")


@dataclass(frozen=True)
class Sampler:
    """How the flow's equation is integrated from noise (t = 0) to data (t = 1).

    Attributes
    ----------
    steps : int
        Steps of equal length.
    method : {"euler", "midpoint", "heun"}
        One velocity a step, or two for the second-order methods.
    """

    steps: int = 8
    method: str = "midpoint"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: {self.steps}; expected at least 1")
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is unknown; expected one of {', '.join(METHODS)}")

    @property
    def evaluations(self) -> int:
        """Passes through the network a sample."""
        return self.steps if self.method == "euler" else 2 * self.steps


@dataclass(frozen=True)
class Target:
    """What a flow learns from a batch.

    Attributes
    ----------
    data : Tensor
        (n, d) vectors or (n, k, f) sets.
    context : Tensor or None
        (n, c).
    mask : Tensor or None
        (n, k) bool, the elements of each set; or (n, d), the dimensions that each vector uses.
    """

    data: Tensor
    context: Tensor | None = None
    mask: Tensor | None = None


class VelocityField(nn.Module):
    """A network of (x, context) or (set, context, mask) made a function of time.

    Parameters
    ----------
    network : nn.Module
        ``network(x, context)`` for vectors or ``network(x, context, mask)`` for sets, such as `MLP` and `SetGenerator`;
        its context has room for the time features behind the caller's own.
    time_features : int
        Length of the time embedding.
    """

    def __init__(self, network: nn.Module, time_features: int = 16) -> None:
        super().__init__()
        self.network, self.time_features = network, time_features

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Velocity at x, of its shape, for times (n,) in [0, 1]."""
        features = fourier_features(time.to(x.dtype), self.time_features)
        context = features if context is None else torch.cat((context.to(x.dtype), features), dim=-1)
        if mask is not None and x.ndim == 3:
            return self.network(x, context, mask)
        velocity = self.network(x, context)
        return velocity if mask is None else velocity * mask

    def one_step(self, noise: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Samples by a single Euler step over the whole path: what a distilled student does."""
        noise = _hide(noise, mask)
        return noise + self(noise, noise.new_zeros(len(noise)), context, mask)


def integrate(
    velocity: Callable[..., Tensor],
    noise: Tensor,
    context: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    sampler: Sampler,
) -> Tensor:
    """Carry noise to samples along the flow.

    Parameters
    ----------
    velocity : callable
        ``velocity(x, time, context, mask)``.
    noise : Tensor
        Standard normal, (n, d) or (n, k, f).
    context, mask : Tensor, optional
        As for `Target`.
    sampler : Sampler

    Returns
    -------
    Tensor
        Of the noise's shape, 0 at the padding.
    """
    x, step = _hide(noise, mask), 1.0 / sampler.steps

    def speed(x: Tensor, time: float) -> Tensor:
        return velocity(x, x.new_full((len(x),), time), context, mask)

    for k in range(sampler.steps):
        time = k * step
        first = speed(x, time)
        if sampler.method == "euler":
            x = x + step * first
        elif sampler.method == "midpoint":
            x = x + step * speed(x + 0.5 * step * first, time + 0.5 * step)
        else:
            x = x + 0.5 * step * (first + speed(x + step * first, time + step))
    return x


def training_times(noise: Noise, *, mean: float = 0.0, spread: float | None = None) -> Tensor:
    """Times at which a batch is trained, (n,).

    Uniform in (0, 1) when `spread` is None, else logit-normal with this mean and spread (Esser et al. 2024,
    arXiv:2403.03206, section 3.1), which spends more on the middle of the path.
    """
    if spread is None:
        return noise.uniform((1,), "time").squeeze(1).float()
    return torch.sigmoid(mean + spread * noise.normal((1,), "time").squeeze(1)).float()


def matching_loss(velocity: Callable[..., Tensor], target: Target, noise: Tensor, time: Tensor) -> Tensor:
    """Mean squared error of the velocity on the straight path, one value a sample (arXiv:2210.02747, eq. 23)."""
    start = _hide(noise.to(target.data.dtype), target.mask)
    data = _hide(target.data, target.mask)
    between = time.to(data.dtype).view(-1, *(1,) * (data.ndim - 1))
    x = torch.lerp(start, data, between)
    return _mean_over_used((velocity(x, time, target.context, target.mask) - (data - start)).square(), target.mask)


def coupling_loss(made: Tensor, wanted: Tensor, mask: Tensor | None = None, *, huber: float | None = None) -> Tensor:
    """Distance of samples from the teacher's for the same noise, one value a sample.

    Squared error, or Huber's loss with threshold `huber` (scaled to the squared error for small differences), which
    forgives the pairs where the teacher's flow splits.
    """
    if huber is None:
        return _mean_over_used((made - wanted).square(), mask)
    return _mean_over_used(2.0 * functional.huber_loss(made, wanted, reduction="none", delta=huber), mask)


def matching_steps(
    arrange: Callable[[Any, Batch], Target],
    submodule: str = "teacher",
    *,
    mean: float = 0.0,
    spread: float | None = None,
) -> Callable[[Model, Batch], Iterator[tuple[str, Tensor]]]:
    """Steps of a flow-matching phase.

    Parameters
    ----------
    arrange : callable
        (model, batch) -> Target.
    submodule : str
        The model's `VelocityField`.
    mean, spread
        As for `training_times`.
    """

    def steps(model: Model, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        target = arrange(model, batch)
        noise = batch.noise.normal(tuple(target.data.shape[1:]), "path")
        time = training_times(batch.noise, mean=mean, spread=spread)
        yield submodule, matching_loss(getattr(model, submodule), target, noise, time)

    return steps


def distillation_steps(
    arrange: Callable[[Any, Batch], Target],
    teacher: str = "teacher",
    student: str = "student",
    *,
    sampler: Sampler,
    huber: float | None = None,
    repeats: int = 1,
    refine: Callable[[Any, Batch, Target, Tensor], Tensor] | None = None,
) -> Callable[[Model, Batch], Iterator[tuple[str, Tensor]]]:
    """Steps of a phase that distils a teacher's flow into one step.

    Parameters
    ----------
    arrange : callable
        (model, batch) -> Target, whose data only gives the shape.
    teacher, student : str
        The model's two velocity fields.
    sampler : Sampler
        Of the teacher.
    huber : float, optional
        As for `coupling_loss`.
    repeats : int
        Updates a batch: the teacher's passes cost more than the student's.
    refine : callable, optional
        (model, batch, target, made) -> a further loss, one value a sample; e.g. a discriminator's verdict.

    Notes
    -----
    Start the phase with ``start=copy_submodule(teacher, student)``.
    """

    def steps(model: Model, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        target = arrange(model, batch)
        noise = batch.noise.normal(tuple(target.data.shape[1:]), "path").to(target.data.dtype)
        with torch.no_grad():
            wanted = integrate(getattr(model, teacher), noise, target.context, target.mask, sampler=sampler)
        for _ in range(repeats):
            made = getattr(model, student).one_step(noise, target.context, target.mask)
            loss = coupling_loss(made, wanted, target.mask, huber=huber)
            yield student, loss if refine is None else loss + refine(model, batch, target, made)

    return steps


def copy_submodule(source: str, destination: str) -> Callable[[Any], None]:
    """A phase's `start` that copies the weights of one submodule to another of the same shape."""

    def start(model: Any) -> None:
        getattr(model, destination).load_state_dict(getattr(model, source).state_dict())

    return start


def _weights(values: Tensor, mask: Tensor) -> Tensor:
    return mask.unsqueeze(-1) if values.ndim == 3 else mask


def _hide(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * _weights(values, mask)


def _mean_over_used(values: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return values.flatten(1).mean(dim=1)
    weights = _weights(values, mask).to(values.dtype).expand_as(values)
    return (values * weights).flatten(1).sum(dim=1) / weights.flatten(1).sum(dim=1).clamp_min(1.0)
