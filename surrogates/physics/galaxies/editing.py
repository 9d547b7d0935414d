"""A galaxy's picture as people look at it, and what an affine map and a factor can change of it.

Pictures are (n, 3, y, x) in i, r and g, as red, green and blue, of asinh-stretched flux (Lupton et al. 2004, PASP 116,
133); fluxes are in nJy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .observables import ZERO_POINT, ellipticity, flux, half_light_radius, position_angle, second_moments

BLUR = 0.2 / math.sqrt(8 * math.log(2))
"""Standard deviation of the Gaussian that every stamp has [arcsec]."""


def stretched(fluxes: Tensor, soft: float, brightest: float) -> Tensor:
    """Flux [nJy] on a scale from black 0 to white 1."""
    return torch.asinh(fluxes / soft) / math.asinh(brightest / soft)


def unstretched(pictures: Tensor, soft: float, brightest: float) -> Tensor:
    """Inverse of `stretched`."""
    return soft * torch.sinh(pictures * math.asinh(brightest / soft))


def magnitudes(fluxes: Tensor) -> Tensor:
    """AB magnitudes of the light in stamps (..., y, x) of nJy."""
    return ZERO_POINT - 2.5 * torch.log10(flux(fluxes).clamp_min(1e-6))


def shape(fluxes: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """Half-light radius less the blur [arcsec], |e| under a Gaussian weight, and angle [rad], (n,), of stamps in r.

    The weight is round and twice as wide as the radius, which keeps far light out and makes shapes a little rounder.
    """
    radius = half_light_radius(fluxes, scale)
    size = fluxes.shape[-1]
    axis = (torch.arange(size, dtype=fluxes.dtype, device=fluxes.device) - (size - 1) / 2) * scale
    squared = axis[:, None] ** 2 + axis**2
    weight = torch.exp(-0.5 * squared / (2.0 * radius[:, None, None]).clamp_min(0.2) ** 2)
    moments = second_moments(fluxes, scale, weight)
    blurred = moments - torch.tensor([BLUR**2, 0.0, BLUR**2], dtype=fluxes.dtype)
    e = torch.linalg.vector_norm(ellipticity(blurred), dim=-1)
    return (
        (radius**2 - (1.18 * BLUR) ** 2).clamp_min(0.02**2).sqrt(),
        e.nan_to_num(0.0).clamp(0.0, 0.85),
        position_angle(moments).nan_to_num(0.0),
    )


def stretch(factor: Tensor, angle: Tensor) -> Tensor:
    """Matrices (n, 2, 2) that stretch by a factor (n,) along an angle [rad] (n,) and shrink by it across."""
    c, s = torch.cos(angle), torch.sin(angle)
    along, across = factor, 1.0 / factor
    rows = (
        torch.stack((along * c * c + across * s * s, (along - across) * c * s), dim=-1),
        torch.stack(((along - across) * c * s, along * s * s + across * c * c), dim=-1),
    )
    return torch.stack(rows, dim=-2)


def reshaped(fluxes: Tensor, matrix: Tensor) -> Tensor:
    """Stamps (n, band, y, x) mapped about their centres by matrices (n, 2, 2) of (x, y).

    Surface brightness is kept; what lies beyond the stamp is dark.
    """
    whole = functional.pad(torch.linalg.inv(matrix), (0, 1))
    grid = functional.affine_grid(whole, list(fluxes.shape), align_corners=False)
    return functional.grid_sample(fluxes, grid, mode="bicubic", align_corners=False).clamp_min(0.0)


def at_flux(fluxes: Tensor, wanted: Tensor) -> Tensor:
    """Stamps (n, band, y, x) whose light in each band is `wanted` (n, band)."""
    return fluxes * (wanted / flux(fluxes).clamp_min(1e-9))[..., None, None]


def concentration(fluxes: Tensor) -> Tensor:
    """Share of the light of stamps (n, y, x) within a third of their half-light radius, (n,)."""
    size = fluxes.shape[-1]
    axis = torch.arange(size, dtype=fluxes.dtype) - (size - 1) / 2
    radius = torch.sqrt(axis[:, None] ** 2 + axis**2)
    edge = half_light_radius(fluxes)[:, None, None] / 3.0
    return flux(fluxes * (edge - radius + 0.5).clamp(0.0, 1.0)) / flux(fluxes).clamp_min(1e-9)


def clumpiness(fluxes: Tensor, width: float = 2.0) -> Tensor:
    """Light beside a Gaussian blur of `width` pixels over all light, outside the centre, (n,), of stamps (n, y, x).

    After S of Conselice 2003, ApJS 147, 1, with absolute values in place of positive ones.
    """
    size = fluxes.shape[-1]
    axis = torch.arange(size, dtype=fluxes.dtype) - (size - 1) / 2
    outside = (axis[:, None] ** 2 + axis**2 > 9.0).to(fluxes)
    blur = torch.exp(-0.5 * ((axis[:, None] - axis) / width) ** 2)
    blur = blur / blur.sum(dim=1, keepdim=True)
    return flux((fluxes - blur @ fluxes @ blur.T).abs() * outside) / flux(fluxes).clamp_min(1e-9)
