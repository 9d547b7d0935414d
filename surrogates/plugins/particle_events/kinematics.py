"""Boosts, frames and two-body breakups of four-vectors (px, py, pz, E), element by element, so rows never mix."""

from __future__ import annotations

import torch
from torch import Tensor


def dot3(a: Tensor, b: Tensor) -> Tensor:
    """Scalar product of the first three components."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Vector product of the first three components."""
    return torch.stack(
        (
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ),
        dim=-1,
    )


def mass_squared(p: Tensor) -> Tensor:
    """Invariant mass squared."""
    return p[..., 3] ** 2 - dot3(p, p)


def boost_from_rest(p: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """Boost `p` from the rest frame of `frame` (invariant `mass`) into the frame where it is given."""
    energy = (p[..., 3] * frame[..., 3] + dot3(p, frame)) / mass
    factor = (p[..., 3] + energy) / (frame[..., 3] + mass)
    return torch.cat((p[..., :3] + factor[..., None] * frame[..., :3], energy[..., None]), dim=-1)


def boost_to_rest(p: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """Boost `p` into the rest frame of `frame`."""
    energy = (p[..., 3] * frame[..., 3] - dot3(p, frame)) / mass
    factor = (p[..., 3] + energy) / (frame[..., 3] + mass)
    return torch.cat((p[..., :3] - factor[..., None] * frame[..., :3], energy[..., None]), dim=-1)


def unit(v: Tensor) -> Tensor:
    """Normalised three-vector; (0, 0, 1) where the length vanishes."""
    length = torch.sqrt(dot3(v, v))
    safe = length > 1e-30
    z = torch.zeros_like(v[..., :3])
    z[..., 2] = 1.0
    return torch.where(safe[..., None], v[..., :3] / torch.where(safe, length, torch.ones_like(length))[..., None], z)


def perpendicular(axis: Tensor) -> tuple[Tensor, Tensor]:
    """Two unit vectors that complete `axis` to a right-handed frame (x, y, axis) (Duff et al. 2017, JCGT 6(1))."""
    sign = torch.where(axis[..., 2] >= 0, 1.0, -1.0).to(axis.dtype)
    a = -1.0 / (sign + axis[..., 2])
    b = axis[..., 0] * axis[..., 1] * a
    x = torch.stack((1.0 + sign * axis[..., 0] ** 2 * a, sign * b, -sign * axis[..., 0]), dim=-1)
    y = torch.stack((b, sign + axis[..., 1] ** 2 * a, -axis[..., 1]), dim=-1)
    return x, y


def direction(axis: Tensor, cosine: Tensor, azimuth: Tensor) -> Tensor:
    """Unit vector at `cosine` and `azimuth` [rad] about `axis`."""
    x, y = perpendicular(axis)
    sine = torch.sqrt(torch.clamp(1.0 - cosine**2, min=0.0))
    return (
        (sine * torch.cos(azimuth))[..., None] * x
        + (sine * torch.sin(azimuth))[..., None] * y
        + cosine[..., None] * axis
    )


def breakup_momentum(mass: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Momentum of either product of a two-body decay in its rest frame (PDG 2024, eq. 49.17)."""
    product = (mass**2 - (first + second) ** 2) * (mass**2 - (first - second) ** 2)
    return torch.sqrt(torch.clamp(product, min=0.0)) / (2.0 * mass)


def two_body(mass: Tensor, first: Tensor, second: Tensor, towards: Tensor) -> tuple[Tensor, Tensor]:
    """Momenta of a two-body decay at rest; the first product flies along the unit vector `towards`."""
    momentum = breakup_momentum(mass, first, second)
    vector = momentum[..., None] * towards
    energy_first = torch.sqrt(momentum**2 + first**2)
    energy_second = torch.sqrt(momentum**2 + second**2)
    return (
        torch.cat((vector, energy_first[..., None]), dim=-1),
        torch.cat((-vector, energy_second[..., None]), dim=-1),
    )
