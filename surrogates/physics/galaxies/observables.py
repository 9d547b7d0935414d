"""Differentiable observables of galaxy images: flux, centroid, second moments, ellipticity, sizes, surface brightness.

Images are tensors (..., y, x), row 0 at the bottom; lengths come out in units of `scale`, the side of a pixel. All are
unweighted sums over the stamp unless said, hence meant for images without noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""


def flux(image: Tensor) -> Tensor:
    """Sum over the stamp, in the image's units."""
    return image.sum((-1, -2))


def _axes(image: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Coordinates from the stamp's centre, (y, 1) and (x,)."""
    y, x = (
        (torch.arange(size, dtype=image.dtype, device=image.device) - (size - 1) / 2) * scale
        for size in image.shape[-2:]
    )
    return y[:, None], x


def centroid(image: Tensor, scale: float = 1.0) -> Tensor:
    """First moments x and y from the stamp's centre, (..., 2)."""
    y, x = _axes(image, scale)
    total = flux(image)
    return torch.stack([flux(image * axis) / total for axis in (x, y)], dim=-1)


def second_moments(image: Tensor, scale: float = 1.0, weight: Tensor | None = None) -> Tensor:
    """Central second moments xx, xy, yy, (..., 3).

    Parameters
    ----------
    image : Tensor
    scale : float
    weight : Tensor, optional
        Multiplies the image, e.g. a Gaussian that keeps far pixels out.
    """
    light = image if weight is None else image * weight
    y, x = _axes(image, scale)
    mean_x, mean_y = (part[..., None, None] for part in centroid(light, scale).unbind(-1))
    total = flux(light)
    dx, dy = x - mean_x, y - mean_y
    return torch.stack([flux(light * product) / total for product in (dx * dx, dx * dy, dy * dy)], dim=-1)


def ellipticity(moments: Tensor) -> Tensor:
    """Reduced-shear ellipticity (e1, e2) of second moments (..., 3), ``|e| = (1 - q) / (1 + q)``; (..., 2).

    chi / (1 + sqrt(1 - |chi|^2)) with the distortion chi = (xx - yy, 2 xy) / (xx + yy) (Seitz & Schneider 1997,
    A&A 318, 687).
    """
    xx, xy, yy = moments.unbind(-1)
    chi = torch.stack((xx - yy, 2 * xy), dim=-1) / (xx + yy)[..., None]
    return chi / (1.0 + torch.sqrt((1.0 - (chi**2).sum(-1, keepdim=True)).clamp(min=1e-12)))


def position_angle(moments: Tensor) -> Tensor:
    """Direction of the major axis [rad] in [0, pi), counter-clockwise from +x; (...)."""
    xx, xy, yy = moments.unbind(-1)
    return torch.remainder(0.5 * torch.atan2(2 * xy, xx - yy), torch.pi)


def half_light_radius(image: Tensor, scale: float = 1.0, softness: float = 0.5) -> Tensor:
    """Radius of the circle about the stamp's centre that holds half of the stamp's flux, (...).

    The circle's edge is a ramp `softness` pixels to either side, so that the radius, found by bisection and one Newton
    step, has a gradient with respect to the pixels.
    """
    y, x = _axes(image, 1.0)
    radius = torch.sqrt(x**2 + y**2)
    half = flux(image) / 2
    low, high = torch.zeros_like(half), torch.full_like(half, float(radius.max()))

    def inside(edge: Tensor) -> Tensor:
        return flux(image * ((edge[..., None, None] - radius) / (2 * softness) + 0.5).clamp(0.0, 1.0))

    with torch.no_grad():
        for _ in range(40):
            middle = (low + high) / 2
            less = inside(middle) < half
            low, high = torch.where(less, middle, low), torch.where(less, high, middle)
        found = (low + high) / 2
        slope = (inside(found + 0.25) - inside(found - 0.25)) / 0.5
    return (found - (inside(found) - half) / slope.clamp(min=1e-30)) * scale


def surface_brightness(image: Tensor, scale: float) -> Tensor:
    """Surface brightness [AB mag / arcsec^2] of pixels in nJy, `scale` in arcsec; 99 where there is no light."""
    brightness = image / scale**2
    magnitude = ZERO_POINT - 2.5 * torch.log10(brightness.clamp(min=1e-30))
    return torch.where(brightness > 0, magnitude, torch.full_like(magnitude, 99.0))
