"""Jets to and from normalised coordinates: principal axes, whitened, the system's moments apart.

The kept constituents form a system with a summed pT, a centroid and a pT-weighted covariance in (eta, phi). Those six
numbers, the jet's own variables and three shapes are one vector (stage one); the constituents, seen from the centroid
along the principal axes in units of the principal widths, are a set (stage two). Decoding shifts and stretches the set
until it has exactly the moments of the vector: summed pT, centroid and covariance hold by projection, and with them the
constituents' mass to fourth order in the angles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from surrogates.physics.jets import observables
from surrogates.physics.jets.laws import project, relative_momentum
from surrogates.plugin import Plugin

from .simulation import N_CONSTITUENTS

Tensors = dict[str, Tensor]
KNOTS = 257
VECTOR = (
    "log_mass_ratio",
    "jet_eta",
    "log_multiplicity",
    "pt_sum",
    "centroid_major",
    "centroid_minor",
    "log_width",
    "log_width_ratio",
    "log_pt_dispersion",
    "log_tau21",
    "log_tau32",
)
_EDGE = 1e-9


class JetCodec(nn.Module):
    """Codec of jets; quantile tables and scales are fitted."""

    def __init__(self, plugin: Plugin) -> None:
        super().__init__()
        del plugin
        self.quantiles: Tensor
        self.register_buffer("quantiles", torch.zeros(len(VECTOR), KNOTS, dtype=torch.float64))
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(3, dtype=torch.float64))
        self.shift: Tensor
        self.register_buffer("shift", torch.zeros(3, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set the vector's quantiles and the constituents' scales."""
        vector, points, mask = describe(pools[0])
        grid = torch.linspace(0.0, 1.0, KNOTS, dtype=torch.float64)
        for i in range(len(VECTOR)):
            knots = torch.tensor(np.quantile(vector[:, i].numpy(), grid.numpy()))
            self.quantiles[i] = _increasing(knots)
        flat = points[mask]
        self.shift.copy_(flat.mean(0))
        self.scale.copy_(flat.std(0))

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions to a context, outputs to `vector` (n, 11) in [0, 1] and `points` (n, 30, 3)."""
        encoded: Tensors = {}
        if "jet_type" in physical:
            kind = nn.functional.one_hot(physical["jet_type"].long(), 3).to(torch.float32)
            pt = ((torch.log(physical["jet_pt"].double()) - 6.8) / 0.15).to(torch.float32)
            encoded["context"] = torch.cat((kind, pt[:, None]), dim=-1)
        if "constituent_pt_rel" in physical:
            vector, points, mask = describe(physical)
            encoded["vector"] = to_uniform(vector, self.quantiles)
            encoded["points"] = ((points - self.shift) / self.scale) * mask[..., None]
            encoded["mask"] = mask.to(torch.uint8)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Jets in the output schema, float64, constituents by decreasing pT."""
        vector = from_uniform(encoded["vector"].double(), self.quantiles)
        count = kept_constituents(vector)
        mask = torch.arange(N_CONSTITUENTS, device=vector.device) < count[:, None]
        points = (encoded["points"].double() * self.scale + self.shift) * mask[..., None]
        eta, phi, pt = place(vector, points, mask, encoded["angle"], encoded["mirror"])
        order = torch.argsort(pt, dim=1, descending=True, stable=True)
        multiplicity = torch.round(torch.exp(vector[:, 2])).long()
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


def kept_constituents(vector: Tensor) -> Tensor:
    """Number of constituents kept, at most 30, (n,) int64."""
    return torch.round(torch.exp(vector[:, 2])).long().clamp(1, N_CONSTITUENTS)


def moments(x: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Centroid (cx, cy) and covariance (xx, xy, yy) of points with weights that sum to 1, over the last axis."""
    cx, cy = (weight * x).sum(-1), (weight * y).sum(-1)
    dx, dy = x - cx[..., None], y - cy[..., None]
    return cx, cy, (weight * dx * dx).sum(-1), (weight * dx * dy).sum(-1), (weight * dy * dy).sum(-1)


def describe(jets: Tensors) -> tuple[Tensor, Tensor, Tensor]:
    """Stage-one vector (n, 11), whitened constituents (n, 30, 3: major, minor, log share) and mask of jets.

    The principal frame's signs are fixed by the third moments: the pT-weighted skewness is positive along either axis.
    """
    eta, phi, pt = (jets[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt"))
    mask = torch.arange(pt.shape[1]) < jets["n_constituents"][:, None]
    pt = pt * mask
    total = pt.sum(-1)
    share = pt / total[:, None]
    cx, cy, xx, xy, yy = moments(eta, phi, share)
    angle = 0.5 * torch.atan2(2.0 * xy, xx - yy)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    dx, dy = eta - cx[:, None], phi - cy[:, None]
    major = cosine[:, None] * dx + sine[:, None] * dy
    minor = cosine[:, None] * dy - sine[:, None] * dx
    sign_major = torch.where((share * major**3).sum(-1) >= 0, 1.0, -1.0)
    sign_minor = torch.where((share * minor**3).sum(-1) >= 0, 1.0, -1.0)
    major, minor = major * sign_major[:, None], minor * sign_minor[:, None]
    width_major = torch.sqrt((share * major**2).sum(-1) + 1e-16)
    width_minor = torch.sqrt((share * minor**2).sum(-1) + 1e-16)
    centroid_major = (cosine * cx + sine * cy) * sign_major
    centroid_minor = (cosine * cy - sine * cx) * sign_minor
    array = torch.stack((eta, phi, pt), dim=-1).numpy()
    tau1, tau2, tau3 = (torch.tensor(column) for column in observables.n_subjettiness(array).T)
    mass = torch.tensor(observables.relative_mass(array)).clamp(min=1e-6)
    floor = 1e-6
    vector = torch.stack(
        (
            torch.log(torch.clamp(jets["jet_mass"].double() / (jets["jet_pt"].double() * mass), min=1.0)),
            jets["jet_eta"].double(),
            torch.log(jets["n_constituents_all"].double()),
            total,
            centroid_major,
            centroid_minor,
            torch.log(width_major),
            torch.log(width_minor / width_major),
            torch.log((share**2).sum(-1)),
            torch.log(torch.clamp(tau2 / torch.clamp(tau1, min=floor), min=floor, max=2.0)),
            torch.log(torch.clamp(tau3 / torch.clamp(tau2, min=floor), min=floor, max=2.0)),
        ),
        dim=-1,
    )
    points = torch.stack(
        (
            torch.asinh(major / width_major[:, None]),
            torch.asinh(minor / width_minor[:, None]),
            torch.log(torch.clamp(share, min=1e-8)),
        ),
        dim=-1,
    )
    return vector, points * mask[..., None], mask


def whiten(points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shares that sum to 1, and positions with share-weighted centroid 0 and unit covariance, (n, 30) each."""
    share = torch.softmax(points[..., 2].masked_fill(~mask, -torch.inf), dim=-1)
    major, minor = torch.sinh(points[..., 0].clamp(-9.0, 9.0)), torch.sinh(points[..., 1].clamp(-9.0, 9.0))
    cx, cy, xx, xy, yy = moments(major, minor, share)
    dx, dy = major - cx[:, None], minor - cy[:, None]
    # inverse Cholesky factor of the covariance: the set's own covariance becomes the identity
    first = torch.sqrt(torch.clamp(xx, min=1e-12))
    second = torch.sqrt(torch.clamp(yy - xy**2 / torch.clamp(xx, min=1e-12), min=1e-12))
    u = dx / first[:, None]
    v = (dy - (xy / first**2)[:, None] * dx) / second[:, None]
    return u, v, share


def place(vector: Tensor, points: Tensor, mask: Tensor, angle: Tensor, mirror: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give whitened points exactly the moments of the vector, then turn the jet.

    Parameters
    ----------
    vector : Tensor
        (n, 11), see `VECTOR`.
    points, mask : Tensor
        (n, 30, 3) and (n, 30).
    angle : Tensor
        Azimuth of the major axis in the (eta, phi) plane [rad], (n,).
    mirror : Tensor
        Sign of the minor axis, (n,).

    Returns
    -------
    eta_rel, phi_rel, pt_rel : Tensor
        (n, 30), zeros beyond the count.
    """
    u, v, share = whiten(points, mask)
    width = torch.exp(vector[:, 6])
    major = u * width[:, None] + vector[:, 4:5]
    minor = (v * (width * torch.exp(vector[:, 7]))[:, None] + vector[:, 5:6]) * mirror[:, None]
    cosine, sine = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
    pt = share * vector[:, 3:4]
    return (cosine * major - sine * minor) * mask, (sine * major + cosine * minor) * mask, pt * mask


def _increasing(knots: Tensor) -> Tensor:
    step = 1e-9 * (knots[-1] - knots[0])
    return torch.cummax(knots, 0).values + step * torch.arange(len(knots))


def to_uniform(values: Tensor, quantiles: Tensor) -> Tensor:
    """Piecewise-linear cumulative distribution of each column."""
    columns = []
    for i in range(values.shape[1]):
        knots = quantiles[i]
        right = torch.searchsorted(knots, values[:, i].contiguous()).clamp(1, KNOTS - 1)
        inside = (values[:, i] - knots[right - 1]) / (knots[right] - knots[right - 1])
        columns.append((right - 1 + inside.clamp(0.0, 1.0)) / (KNOTS - 1))
    return torch.stack(columns, dim=-1)


def from_uniform(values: Tensor, quantiles: Tensor) -> Tensor:
    """Inverse of `to_uniform`."""
    place_ = values.clamp(_EDGE, 1.0 - _EDGE) * (KNOTS - 1)
    left = place_.floor().long().clamp(0, KNOTS - 2)
    column = torch.arange(values.shape[1], device=values.device)
    low, high = quantiles[column, left], quantiles[column, left + 1]
    return low + (place_ - left) * (high - low)
