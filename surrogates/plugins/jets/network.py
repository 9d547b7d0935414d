"""Two-stage jet generator: a spline flow for the jet's vector, a one-step set network for its constituents."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from surrogates.models.coupling import SplineCoupling
from surrogates.models.flow import (
    Sampler,
    Target,
    VelocityField,
    coupling_loss,
    integrate,
    matching_loss,
    training_times,
)
from surrogates.networks.sets import SetClassifier, SetGenerator
from surrogates.noise import Noise
from surrogates.recipe import Batch

from .codec import VECTOR, JetCodec, from_uniform, kept_constituents, whiten
from .simulation import N_CONSTITUENTS

Tensors = dict[str, Tensor]
CONTEXT = 4
TIME_FEATURES = 16
TEACHER = Sampler(steps=8, method="midpoint")


class JetModel(nn.Module):
    """Stage one: `jet`; stage two: `student`, distilled from `teacher` and refined against `critic`.

    Parameters
    ----------
    codec : JetCodec
        Whose quantiles tell the number of constituents from the vector.
    width, layers : int
        Of the set networks.
    """

    ships = ("jet", "student")

    def __init__(self, codec: JetCodec, width: int = 64, layers: int = 6) -> None:
        super().__init__()
        self.jet = SplineCoupling(len(VECTOR), CONTEXT, hidden=64, layers=2, couplings=6, bins=12)
        inputs = CONTEXT + len(VECTOR) + 1
        for name in ("teacher", "student"):
            network = SetGenerator(3, 3, context=inputs + TIME_FEATURES, width=width, global_width=16, layers=layers)
            setattr(self, name, VelocityField(network, TIME_FEATURES))
        self.teacher: VelocityField
        self.student: VelocityField
        self.critic = SetClassifier(3, 1, context=inputs, width=width, layers=3)
        for name in ("quantiles", "scale", "shift"):
            self.register_buffer(name, getattr(codec, name).clone(), persistent=False)
        self.quantiles: Tensor
        self.scale: Tensor
        self.shift: Tensor

    def set_context(self, context: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Context of the set networks (n, CONTEXT + 12) and mask (n, 30)."""
        count = kept_constituents(from_uniform(vector.double(), self.quantiles.double()))
        mask = torch.arange(N_CONSTITUENTS, device=vector.device) < count[:, None]
        normal = math.sqrt(2.0) * torch.erfinv((2.0 * vector.float() - 1.0).clamp(-0.9999, 0.9999))
        fill = count.float()[:, None] / N_CONSTITUENTS
        return torch.cat((context.float(), normal, fill), dim=-1), mask

    def seen(self, points: Tensor, mask: Tensor) -> Tensor:
        """Standardised points as they come out of the decoder, before the vector's moments: shares that sum to 1,
        centroid 0 and unit covariance."""
        scale, shift = self.scale.float(), self.shift.float()
        major, minor, share = whiten(points * scale + shift, mask)
        logs = torch.log(share.clamp_min(1e-8))
        back = torch.stack((torch.asinh(major), torch.asinh(minor), logs), dim=-1)
        return (back - shift) / scale * mask[..., None]

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Vector and constituents of each jet, and the jet's orientation."""
        context = conditions["context"].float()
        vector = self.jet.sample(context, noise.uniform((len(VECTOR),), "jet")).clamp(0.0, 1.0)
        inputs, mask = self.set_context(context, vector)
        start = noise.normal((N_CONSTITUENTS, 3), "constituents").float()
        return {
            "vector": vector.double(),
            "points": self.student.one_step(start, inputs, mask).double(),
            "angle": 2.0 * math.pi * noise.uniform((1,), "angle")[:, 0],
            "mirror": torch.where(noise.uniform((1,), "mirror")[:, 0] < 0.5, -1.0, 1.0).double(),
        }


def _target(model: JetModel, batch: Batch) -> Target:
    inputs, mask = model.set_context(batch.conditions["context"], batch.encoded["vector"])
    return Target(batch.encoded["points"].float(), inputs, mask)


def learn_jets(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the vector and flow matching of the constituents."""
    yield "jet", -model.jet.log_prob(batch.encoded["vector"].float(), batch.conditions["context"].float())
    target = _target(model, batch)
    noise = batch.noise.normal((N_CONSTITUENTS, 3), "path").float()
    yield "teacher", matching_loss(model.teacher, target, noise, training_times(batch.noise))


def distil(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Teach the student the teacher's samples: three updates for each of the teacher's batches."""
    target = _target(model, batch)
    noise, wanted = _teach(model, target, batch.noise)
    for _ in range(3):
        made = model.student.one_step(noise, target.context, target.mask)
        yield "student", coupling_loss(made, wanted, target.mask, huber=1.0)


def _teach(model: JetModel, target: Target, noise: Noise) -> tuple[Tensor, Tensor]:
    start = noise.normal((N_CONSTITUENTS, 3), "teacher").float()
    with torch.no_grad():
        return start, integrate(model.teacher, start, target.context, target.mask, sampler=TEACHER)


def refine(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Refine the student against a critic of (constituents, context).

    Relativistic logistic losses (Jolicoeur-Martineau 2018, arXiv:1807.00734) on pairs with the same context, with the
    R1 penalty on real sets (Huang et al. 2024, arXiv:2501.05441). Both sides are seen as decoded: with the vector's
    moments.
    """
    target = _target(model, batch)
    assert target.mask is not None
    noise = batch.noise.normal((N_CONSTITUENTS, 3), "student").float()
    made = model.seen(model.student.one_step(noise, target.context, target.mask), target.mask)
    yield "critic", critic_loss(model, target, made.detach())
    with torch.no_grad():
        real = model.critic(model.seen(target.data, target.mask), target.context, target.mask)[:, 0]
    fake = model.critic(made, target.context, target.mask)[:, 0]
    yield "student", nn.functional.softplus(real - fake)


def critic_loss(model: JetModel, target: Target, made: Tensor, gamma: float = 0.02) -> Tensor:
    """Relativistic logistic loss with the R1 penalty on the real sets, one value a sample."""
    assert target.mask is not None
    data = model.seen(target.data, target.mask).detach().requires_grad_(True)
    real = model.critic(data, target.context, target.mask)[:, 0]
    fake = model.critic(made, target.context, target.mask)[:, 0]
    (gradient,) = torch.autograd.grad(real.sum(), data, create_graph=True)
    return nn.functional.softplus(fake - real) + 0.5 * gamma * gradient.square().sum((1, 2))
