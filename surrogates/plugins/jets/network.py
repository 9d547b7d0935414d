"""Two-stage jet generator: a spline flow for the jet's vector, a one-step set network for its constituents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...contract.recipe import Batch
from ...models.calibration import Calibration
from ...models.coupling import SplineCoupling
from ...models.flow import Sampler, Target, VelocityField, coupling_loss, integrate, matching_loss, training_times
from ...models.scoring import energy_score
from ...networks.sets import SetGenerator
from ...noise import Noise
from ...physics.jets.simulation import N_CONSTITUENTS
from ...physics.jets.subjets import SUBJETS, one_hot
from ...physics.jets.substructure import shapes
from .codec import VECTOR, JetCodec, from_uniform, jet_momentum, place, subjet_counts

Tensors = dict[str, Tensor]
CONTEXT = 4
TIME_FEATURES = 16
ORIENTATION = 4
TEACHER = Sampler(steps=8, method="midpoint")


ANCHORS = (-1.5, -0.8, 0.0, 0.8, 1.9)  # of the calibration: 717 to 1194 GeV in the context's scale
PULL = 0.05
SPECTRA = 6.0
ANGLE = 0.2  # a typical distance from the jet axis
MOMENTUM = 0.03  # a typical pT relative to the jet's


class Jets(NamedTuple):
    """Constituents by falling pT: positions (n, 30), pT relative to the jet's (n, 30), subjets (n, 30, 3)."""

    eta: Tensor
    phi: Tensor
    pt: Tensor
    member: Tensor


class Views(NamedTuple):
    """What the energy scores compare: shapes (n, 12), each constituent (n, 30, 3), and single spectra (n, 150)."""

    shapes: Tensor
    slots: Tensor
    spectra: Tensor


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
    """Stage one: `jet`; stage two: `student`, taught by `teacher` (as `distilled` holds it), then by the true jets.

    Parameters
    ----------
    codec : JetCodec
        Whose quantiles tell the subjets' counts from the vector.
    width, layers : int
        Of the set networks.
    """

    ships: tuple[str, ...] = ("jet", "calibration", "student")

    def __init__(self, codec: JetCodec, width: int = 64, layers: int = 6) -> None:
        super().__init__()
        self.jet = SplineCoupling(len(VECTOR), CONTEXT, hidden=128, layers=2, couplings=8, bins=12)
        self.calibration = Calibration(len(VECTOR), labels=3, anchors=ANCHORS)
        inputs = SUBJETS + CONTEXT + len(VECTOR) + ORIENTATION
        for name in ("teacher", "student", "distilled"):
            network = SetGenerator(
                3 + SUBJETS, 3, context=inputs + TIME_FEATURES, width=width, global_width=16, layers=layers
            )
            setattr(self, name, VelocityField(SubjetField(network), TIME_FEATURES))
        self.teacher: VelocityField
        self.student: VelocityField
        self.distilled: VelocityField
        for name in ("quantiles", "scale", "shift"):
            self.register_buffer(name, getattr(codec, name).clone(), persistent=False)
        self.quantiles: Tensor
        self.scale: Tensor
        self.shift: Tensor

    def set_context(self, context: Tensor, vector: Tensor, orientation: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Context of the set networks (n, 3 + CONTEXT + 19 + ORIENTATION) and mask (n, 30).

        Where constituents lie in the plane matters little: particles' masses, which clustering sees and pseudorapidity
        does not, spread soft ones along eta. The teacher does without, and gets zeros.
        """
        counts = subjet_counts(self.physical_vector(context, vector))
        mask = torch.arange(N_CONSTITUENTS, device=vector.device) < counts.sum(-1, keepdim=True)
        normal = math.sqrt(2.0) * torch.erfinv((2.0 * vector.float() - 1.0).clamp(-0.9999, 0.9999))
        if orientation is None:
            orientation = torch.zeros((len(vector), ORIENTATION), device=vector.device)
        return torch.cat((counts.float() / N_CONSTITUENTS, context.float(), normal, orientation), dim=-1), mask

    def orientation(self, context: Tensor, vector: Tensor, angle: Tensor, mirror: Tensor) -> Tensor:
        """Direction of eta in the jet's frame, and times tanh of the jet's own; (n, ORIENTATION)."""
        eta = torch.stack((torch.cos(angle), -mirror * torch.sin(angle)), dim=-1)
        away = torch.tanh(self.physical_vector(context, vector)[:, 1:2])
        return torch.cat((eta, eta * away), dim=-1).float()

    def physical_vector(self, context: Tensor, vector: Tensor) -> Tensor:
        """The vector (n, 19) in the units of `VECTOR`."""
        return from_uniform(vector.double(), self.quantiles.double(), context[:, :3].argmax(-1))

    def jets(self, context: Tensor, encoded: Tensors, points: Tensor) -> Jets:
        """Constituents by falling pT."""
        physical = self.physical_vector(context, encoded["vector"])
        member = one_hot(subjet_counts(physical), N_CONSTITUENTS).double()
        moved = points.double() * self.scale + self.shift
        pt = jet_momentum(context.double())
        eta, phi, share = place(physical, moved, member, pt, encoded["angle"].double(), encoded["mirror"].double())
        order = torch.argsort(share, dim=1, descending=True, stable=True)
        eta, phi, share = (values.gather(1, order).float() for values in (eta, phi, share))
        return Jets(eta, phi, share, member.gather(1, order[..., None].expand_as(member)).float())

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Vector and constituents of each jet, and the jet's orientation."""
        context = conditions["context"].float()
        vector = self.calibrated(context, noise.uniform((len(VECTOR),), "jet"))
        angle = 2.0 * math.pi * noise.uniform((1,), "angle")[:, 0]
        mirror = torch.where(noise.uniform((1,), "mirror")[:, 0] < 0.5, -1.0, 1.0).double()
        inputs, mask = self.set_context(context, vector, self.orientation(context, vector, angle, mirror))
        start = noise.normal((N_CONSTITUENTS, 3), "constituents").float()
        return {
            "vector": vector.double(),
            "points": self.student.one_step(start, inputs, mask).double(),
            "angle": angle,
            "mirror": mirror,
        }

    def calibrated(self, context: Tensor, uniform: Tensor) -> Tensor:
        """Vectors (n, 19) in [0, 1] from uniform draws."""
        drawn = self.jet.sample(context, uniform).clamp(0.0, 1.0)
        return self.calibration(drawn, context[:, :3].argmax(-1), context[:, 3]).clamp(0.0, 1.0)


def _target(model: JetModel, batch: Batch) -> Target:
    inputs, mask = model.set_context(batch.conditions["context"], batch.encoded["vector"])
    return Target(batch.encoded["points"].float(), inputs, mask)


def learn_vector(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the vector."""
    yield "jet", -model.jet.log_prob(batch.encoded["vector"].float(), batch.conditions["context"].float())


def calibrate(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Quantiles of the flow's vectors and of the true ones."""
    context = batch.conditions["context"].float()
    with torch.no_grad():
        made = model.jet.sample(context, batch.noise.uniform((len(VECTOR),), "jet").to(context)).clamp(0.0, 1.0)
    kind, pt = context[:, :3].argmax(-1), context[:, 3]
    yield "calibration", model.calibration.loss(made, batch.encoded["vector"].float(), kind, pt)


def learn_set(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Flow matching of the constituents, given the vector."""
    noise = batch.noise.normal((N_CONSTITUENTS, 3), "path").float()
    yield "teacher", matching_loss(model.teacher, _target(model, batch), noise, training_times(batch.noise))


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


def match(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Energy scores of the student's jets at the vectors of true ones: constituents, their spectra and substructure.

    A pull to the distilled student keeps what no score looks at.
    """
    context, encoded = batch.conditions["context"], batch.encoded
    plain, mask = model.set_context(context, encoded["vector"])
    eta = model.orientation(context, encoded["vector"], encoded["angle"], encoded["mirror"])
    oriented, _ = model.set_context(context, encoded["vector"], eta)
    pulls, made = [], []
    for draw in ("first", "second"):
        noise = batch.noise.normal((N_CONSTITUENTS, 3), draw).float()
        points = model.student.one_step(noise, oriented, mask)
        with torch.no_grad():
            before = model.distilled.one_step(noise, plain, mask)
        pulls.append(coupling_loss(points, before, mask, huber=1.0))
        made.append(views(model.jets(context, encoded, points)))
    with torch.no_grad():
        truth = views(model.jets(context, encoded, encoded["points"]))
        centre, spread = truth.shapes.mean(0), truth.shapes.std(0).clamp(min=1e-6)
    scaled = [(view.shapes - centre) / spread for view in (*made, truth)]
    first, second = made
    score = (
        energy_score(*(view[..., None] for view in scaled))
        + energy_score(*scaled) / math.sqrt(len(spread))
        + SPECTRA * energy_score(*(view.spectra[..., None] for view in (first, second, truth)))
        + energy_score(first.slots, second.slots, truth.slots)
    )
    yield "student", score + PULL * (pulls[0] + pulls[1])


def views(jets: Jets) -> Views:
    """What the energy scores look at, in units of order 1.

    The spectra are sorted values of log pT, pT, distance from the axis, eta and phi: the score of the k-th of each is
    a distance between distributions such as W1.
    """
    filled = jets.member.sum(-1)
    log_pt = torch.log(jets.pt.clamp(min=1e-5)) * filled
    radius = torch.sqrt(jets.eta**2 + jets.phi**2 + 1e-10) * filled
    positions = [torch.sort(values / ANGLE, dim=1).values for values in (radius, jets.eta, jets.phi)]
    slots = torch.stack((jets.eta / ANGLE, jets.phi / ANGLE, log_pt), dim=-1)
    spectra = torch.cat((log_pt, jets.pt / MOMENTUM, *positions), dim=1)
    return Views(shapes(jets.eta, jets.phi, jets.pt, jets.member), slots, spectra)
