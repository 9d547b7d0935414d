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
from surrogates.networks.sets import SetGenerator
from surrogates.noise import Noise
from surrogates.recipe import Batch

from .codec import VECTOR, JetCodec, from_uniform, subjet_counts
from .simulation import N_CONSTITUENTS
from .subjets import SUBJETS, one_hot

Tensors = dict[str, Tensor]
CONTEXT = 4
TIME_FEATURES = 16
TEACHER = Sampler(steps=8, method="midpoint")


class SubjetField(nn.Module):
    """A set network whose elements know their subjet; the context is led by the subjets' counts / 30."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, elements: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """(n, 30, 3), (n, c) and (n, 30) -> (n, 30, outputs) or (n, outputs)."""
        counts = torch.round(context[:, :SUBJETS] * N_CONSTITUENTS)
        labels = one_hot(counts, elements.shape[1]).to(elements.dtype)
        return self.network(torch.cat((elements, labels), dim=-1), context, mask)


class JetModel(nn.Module):
    """Stage one: `jet`; stage two: `student`, distilled from `teacher`.

    Parameters
    ----------
    codec : JetCodec
        Whose quantiles tell the subjets' counts from the vector.
    width, layers : int
        Of the set networks.
    """

    ships: tuple[str, ...] = ("jet", "student")

    def __init__(self, codec: JetCodec, width: int = 64, layers: int = 6) -> None:
        super().__init__()
        self.jet = SplineCoupling(len(VECTOR), CONTEXT, hidden=96, layers=2, couplings=6, bins=12)
        inputs = SUBJETS + CONTEXT + len(VECTOR)
        for name in ("teacher", "student"):
            network = SetGenerator(
                3 + SUBJETS, 3, context=inputs + TIME_FEATURES, width=width, global_width=16, layers=layers
            )
            setattr(self, name, VelocityField(SubjetField(network), TIME_FEATURES))
        self.teacher: VelocityField
        self.student: VelocityField
        self.quantiles: Tensor
        self.register_buffer("quantiles", codec.quantiles.clone(), persistent=False)

    def set_context(self, context: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Context of the set networks (n, 3 + CONTEXT + 19) and mask (n, 30)."""
        counts = subjet_counts(from_uniform(vector.double(), self.quantiles.double()))
        mask = torch.arange(N_CONSTITUENTS, device=vector.device) < counts.sum(-1, keepdim=True)
        normal = math.sqrt(2.0) * torch.erfinv((2.0 * vector.float() - 1.0).clamp(-0.9999, 0.9999))
        return torch.cat((counts.float() / N_CONSTITUENTS, context.float(), normal), dim=-1), mask

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


def sharpen(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the vector alone: it needs more updates than the set network."""
    yield "jet", -model.jet.log_prob(batch.encoded["vector"].float(), batch.conditions["context"].float())


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
