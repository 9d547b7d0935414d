"""Jets to and from normalised coordinates: the jet and its three subjets as a vector, the constituents as a set.

The kept constituents are shared out to three subjets. Their mass, summed pT, pT shares, centroids and mean square
radii, with the jet's own variables, are one vector (stage one); constituents, seen from their subjet's centroid in
units of its radius, are a set (stage two). Decoding moves and stretches the set until each subjet has the moments of
the vector and the whole has its mass, so that the constituents' summed pT and mass hold by projection. Lengths are in
units of the distance between the two leading subjets, which follows from the mass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...physics.jets import observables
from ...physics.jets.laws import project, relative_momentum
from ...physics.jets.simulation import N_CONSTITUENTS
from ...physics.jets.subjets import SUBJETS, assign, one_hot, whiten

Tensors = dict[str, Tensor]
KNOTS = 257
VECTOR = (
    "log_mass_ratio",  # of the jet to its kept constituents
    "jet_eta",
    "log_multiplicity",
    "pt_sum",
    "centroid_along",
    "centroid_across",
    "first_count",
    "second_count",
    "first_share",
    "second_share",
    "log_constituent_mass",  # of mass / GeV
    "third_along",
    "third_across",
    "log_first_radius",
    "log_second_radius",
    "log_third_radius",
    "log_pt_dispersion",
    "log_tau21",
    "log_tau32",
)
RADIUS = 0.8  # of the anti-kT jets; up to four constituents in a thousand lie beyond, most along eta: masses spread it
_EDGE = 1e-9
_SMALL = 1e-5
_CENTRE, _WIDTH = 6.8, 0.15  # of log(pT / GeV) in the context
_SPREAD = (1e-3, 30.0)  # of radii in units of the leading subjets' distance
_KINDS = 3


class JetCodec(nn.Module):
    """Codec of jets; quantile tables and scales are fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.quantiles: Tensor
        self.register_buffer("quantiles", torch.zeros(_KINDS, len(VECTOR), KNOTS, dtype=torch.float64))
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(3, dtype=torch.float64))
        self.shift: Tensor
        self.register_buffer("shift", torch.zeros(3, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set the vector's quantiles, those of each type apart, and the constituents' scales."""
        vector, points, member, _, _ = describe(pools[0])
        grid = np.linspace(0.0, 1.0, KNOTS)
        for kind in range(_KINDS):
            own = vector[pools[0]["jet_type"] == kind]
            for i in range(len(VECTOR) if len(own) else 0):
                self.quantiles[kind, i] = _increasing(torch.tensor(np.quantile(own[:, i].numpy(), grid)))
        flat = points[member.sum(-1) > 0]
        self.shift.copy_(flat.mean(0))
        self.scale.copy_(flat.std(0))

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions to a context, outputs to `vector` (n, 19) in [0, 1] and `points` (n, 30, 3)."""
        encoded: Tensors = {}
        if "jet_type" in physical:
            kind = nn.functional.one_hot(physical["jet_type"].long(), 3).to(torch.float32)
            pt = ((torch.log(physical["jet_pt"].double()) - _CENTRE) / _WIDTH).to(torch.float32)
            encoded["context"] = torch.cat((kind, pt[:, None]), dim=-1)
        if "constituent_pt_rel" in physical:
            vector, points, member, angle, side = describe(physical)
            encoded["angle"], encoded["mirror"] = angle, side
            encoded["vector"] = to_uniform(vector, self.quantiles, physical["jet_type"])
            encoded["points"] = ((points - self.shift) / self.scale) * member.sum(-1, keepdim=True)
            encoded["counts"] = member.sum(1).long()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Jets in the output schema, float64, constituents by decreasing pT."""
        vector = from_uniform(encoded["vector"].double(), self.quantiles, conditions["jet_type"])
        counts = subjet_counts(vector)
        member = one_hot(counts, N_CONSTITUENTS).double()
        points = encoded["points"].double() * self.scale + self.shift
        eta, phi, pt = place(vector, points, member, conditions["jet_pt"].double(), encoded["angle"], encoded["mirror"])
        order = torch.argsort(pt, dim=1, descending=True, stable=True)
        multiplicity = torch.floor(torch.exp(vector[:, 2])).long()
        count = counts.sum(-1)
        jets = project(
            {
                "jet_eta": vector[:, 1],
                "n_constituents": count,
                "n_constituents_all": torch.maximum(multiplicity, count),
                "constituent_eta_rel": eta.gather(1, order),
                "constituent_phi_rel": phi.gather(1, order),
                "constituent_pt_rel": pt.gather(1, order),
            }
        )
        px, py, pz, energy = relative_momentum(jets)
        mass = torch.sqrt(torch.clamp(energy**2 - px**2 - py**2 - pz**2, min=1e-12))
        jets["jet_mass"] = mass * torch.exp(vector[:, 0]) * conditions["jet_pt"].double()
        return jets


def jet_momentum(context: Tensor) -> Tensor:
    """pT [GeV] of a context (n, 4)."""
    return torch.exp(context[:, 3] * _WIDTH + _CENTRE)


def subjet_counts(vector: Tensor) -> Tensor:
    """Constituents of each subjet, (n, SUBJETS) int64, at most 30 in all."""
    total = torch.floor(torch.exp(vector[:, 2])).long().clamp(1, N_CONSTITUENTS)
    first = torch.floor(vector[:, 6] * total).long().clamp(min=1)
    first = torch.minimum(first, (total - 2).clamp(min=1))
    left = total - first
    second = torch.floor(vector[:, 7] * left).long().clamp(min=0)
    second = torch.minimum(torch.where(left > 0, second.clamp(min=1), second), torch.where(left > 1, left - 1, left))
    return torch.stack((first, second, left - second), dim=-1)


def describe(jets: Tensors) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Stage-one vector (n, 19), constituents by subjet (n, 30, 3: positions, log share), membership, angle and side.

    The frame's first axis points from the first subjet to the second; the third lies on its positive side.
    """
    array = torch.stack([jets[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt")], dim=-1)
    label = torch.tensor(assign(array.numpy()))
    filled = torch.arange(N_CONSTITUENTS) < jets["n_constituents"][:, None]
    order = torch.argsort(torch.where(filled, label, torch.full_like(label, SUBJETS)), dim=1, stable=True)
    array = array.gather(1, order[..., None].expand(-1, -1, 3))
    counts = torch.stack([((label == k) & filled).sum(1) for k in range(SUBJETS)], dim=-1)
    member = one_hot(counts, N_CONSTITUENTS).double()
    total = array[..., 2].sum(-1)
    share = array[..., 2] / total[:, None]
    shares = torch.einsum("nm,nmk->nk", share, member)
    safe = shares.clamp(min=1e-12)
    centres = torch.einsum("nm,nmc,nmk->nkc", share, array[..., :2], member) / safe[..., None]
    own = share / torch.einsum("nk,nmk->nm", safe, member).clamp(min=1e-12)
    offset = array[..., :2] - torch.einsum("nkc,nmk->nmc", centres, member)
    radius = torch.sqrt(torch.einsum("nm,nm,nmk->nk", own, (offset**2).sum(-1), member))
    gap = centres[:, 1] - centres[:, 0]
    distance = torch.sqrt((gap**2).sum(-1)).clamp(min=_SMALL)
    along = gap / distance[:, None]
    across = torch.stack((-along[:, 1], along[:, 0]), dim=-1)
    third = centres[:, 2] - centres[:, 0]
    side = torch.where((third * across).sum(-1) < 0, -1.0, 1.0).double()
    across = across * side[:, None]
    middle = torch.einsum("nk,nkc->nc", shares, centres)
    tau1, tau2, tau3 = (torch.tensor(column).clamp(min=1e-6) for column in observables.n_subjettiness(array.numpy()).T)
    mass = torch.tensor(observables.relative_mass(array.numpy())).clamp(min=1e-6)
    jitter = torch.rand(len(total), 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    number = jets["n_constituents"].double()
    left = (number - counts[:, 0]).clamp(min=1)
    vector = torch.stack(
        (
            torch.log(torch.clamp(jets["jet_mass"].double() / (jets["jet_pt"].double() * mass), min=1.0)),
            jets["jet_eta"].double(),
            torch.log(jets["n_constituents_all"].double() + jitter[:, 2]),
            total,
            (middle * along).sum(-1),
            (middle * across).sum(-1),
            (counts[:, 0] + jitter[:, 0]) / number,
            (counts[:, 1] + jitter[:, 1]) / left,
            shares[:, 0],
            shares[:, 1] / (1.0 - shares[:, 0]).clamp(min=1e-9),
            torch.log(mass * jets["jet_pt"].double()),
            torch.asinh((third * along).sum(-1) / distance),
            torch.log(((third * across).sum(-1) / distance).clamp(min=1e-3)),
            *torch.log((radius / distance[:, None]).clamp(*_SPREAD)).unbind(-1),
            torch.log((share**2).sum(-1)),
            torch.log(tau2 / tau1),
            torch.log(tau3 / tau2),
        ),
        dim=-1,
    )
    unit = offset / torch.einsum("nk,nmk->nm", radius.clamp(min=_SMALL), member).clamp(min=_SMALL)[..., None]
    points = torch.stack(
        (
            torch.asinh((unit * along[:, None]).sum(-1)),
            torch.asinh((unit * across[:, None]).sum(-1)),
            torch.log(own.clamp(min=1e-7)),
        ),
        dim=-1,
    )
    return vector, points * member.sum(-1, keepdim=True), member, torch.atan2(along[:, 1], along[:, 0]), side


def place(
    vector: Tensor, points: Tensor, member: Tensor, pt: Tensor, angle: Tensor, mirror: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Give each subjet its moments and the whole its mass, then turn the jet.

    Parameters
    ----------
    vector : Tensor
        (n, 19), see `VECTOR`.
    points, member : Tensor
        (n, 30, 3) and (n, 30, SUBJETS).
    pt : Tensor
        The jets' pT [GeV], (n,).
    angle : Tensor
        Direction from the first to the second subjet in the (eta, phi) plane [rad], (n,).
    mirror : Tensor
        Sign of the side of the third, (n,).

    Returns
    -------
    eta_rel, phi_rel, pt_rel : Tensor
        (n, 30), zeros beyond the count.
    """
    x, y, own = whiten(points, member)
    first = vector[:, 8]
    second = (1.0 - first) * vector[:, 9]
    shares = torch.stack((first, second, 1.0 - first - second), dim=-1).clamp(min=_SMALL) * (member.sum(1) > 0)
    shares = shares / shares.sum(-1, keepdim=True)
    third = torch.stack((torch.sinh(vector[:, 11]), torch.exp(vector[:, 12])), dim=-1)
    zero, one = torch.zeros_like(first), torch.ones_like(first)
    along = torch.stack((zero, one, third[:, 0]), dim=-1)
    across = torch.stack((zero, zero, third[:, 1]), dim=-1)
    along = along - (shares * along).sum(-1, keepdim=True)
    across = across - (shares * across).sum(-1, keepdim=True)
    radius = torch.exp(vector[:, 13:16])

    def spread(values: Tensor) -> Tensor:
        return (values[:, None] * member).sum(-1)

    x = x * spread(radius) + spread(along)
    y = (y * spread(radius) + spread(across)) * mirror[:, None]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    eta, phi = _turn(x, y, cosine[:, None], sine[:, None])
    weight = own * spread(shares)
    centre = _turn(vector[:, 4], vector[:, 5] * mirror, cosine, sine)
    eta, phi = with_mass(eta, phi, weight, centre, torch.exp(vector[:, 10]) / (pt * vector[:, 3]))
    filled = member.sum(-1)
    return eta * filled, phi * filled, weight * vector[:, 3:4] * filled


def _turn(x: Tensor, y: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    return cosine * x - sine * y, sine * x + cosine * y


def with_mass(
    eta: Tensor, phi: Tensor, weight: Tensor, centre: tuple[Tensor, Tensor], mass: Tensor
) -> tuple[Tensor, Tensor]:
    """Stretch positions about their centroid until massless constituents have the invariant mass asked.

    Parameters
    ----------
    eta, phi, weight : Tensor
        (n, m): positions about their weighted centroid, and pT shares that sum to 1.
    centre : tuple of Tensor
        eta and phi of the centroid about the jet axis, (n,) each.
    mass : Tensor
        Over the summed pT, (n,).

    Returns
    -------
    eta, phi : Tensor
        (n, m) about the jet axis, within `RADIUS` of it.

    Notes
    -----
    m^2 is the weighted mean square distance from the centroid but for terms of fourth order, so that two corrections
    from there leave some 1e-5. Where constituents are brought back inside the jet the mass answers more weakly: four
    corrections of twice the size follow, and leave more than 1e-3 in two jets of a hundred (six of light quarks).
    """
    scale = mass / torch.sqrt((weight * (eta**2 + phi**2)).sum(-1)).clamp(min=1e-9)
    for step in range(6):
        a, b = _inside(eta, phi, scale, centre)
        energy, *momentum = ((weight * part).sum(-1) for part in (a.cosh(), b.cos(), b.sin(), a.sinh()))
        found = energy**2 - sum(component**2 for component in momentum)
        missing = mass / torch.sqrt(found.clamp(min=1e-14))
        scale = scale * (missing if step < 2 else missing**2)
    return _inside(eta, phi, scale, centre)


def _inside(eta: Tensor, phi: Tensor, scale: Tensor, centre: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Scaled and moved positions; what lies beyond the jet's radius is reflected at it, to no less than half of it."""
    a, b = (side * scale[:, None] + middle[:, None] for side, middle in zip((eta, phi), centre, strict=True))
    distance = torch.sqrt(a**2 + b**2 + 1e-18)
    beyond = (distance - RADIUS).clamp(min=0.0)
    kept = distance.clamp(max=RADIUS) - 0.5 * RADIUS * (1.0 - torch.exp(-2.0 * beyond / RADIUS))
    factor = kept / distance
    return a * factor, b * factor


def _increasing(knots: Tensor) -> Tensor:
    step = 1e-9 * (knots[-1] - knots[0]).clamp(min=1e-6)
    return torch.cummax(knots, 0).values + step * torch.arange(len(knots))


def to_uniform(values: Tensor, quantiles: Tensor, kind: Tensor) -> Tensor:
    """Piecewise-linear cumulative distribution of each column, among jets of the same type.

    Parameters
    ----------
    values : Tensor
        (n, d).
    quantiles : Tensor
        (types, d, KNOTS), increasing.
    kind : Tensor
        Type of each jet, (n,).
    """
    found = torch.empty_like(values)
    for own in range(len(quantiles)):
        rows = torch.nonzero(kind == own)[:, 0]
        for i in range(values.shape[1]):
            knots, column = quantiles[own, i], values[rows, i].contiguous()
            right = torch.searchsorted(knots, column).clamp(1, KNOTS - 1)
            inside = (column - knots[right - 1]) / (knots[right] - knots[right - 1])
            found[rows, i] = (right - 1 + inside.clamp(0.0, 1.0)) / (KNOTS - 1)
    return found


def from_uniform(values: Tensor, quantiles: Tensor, kind: Tensor) -> Tensor:
    """Inverse of `to_uniform`."""
    position = values.clamp(_EDGE, 1.0 - _EDGE) * (KNOTS - 1)
    left = position.floor().long().clamp(0, KNOTS - 2)
    row, column = kind.long()[:, None], torch.arange(values.shape[1], device=values.device)
    low, high = quantiles[row, column, left], quantiles[row, column, left + 1]
    return low + (position - left) * (high - low)
