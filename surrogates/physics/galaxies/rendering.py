"""Draw galaxies: sums of Gaussians at pixel centres, and point-like parts.

Brightness is sampled at pixel centres (no pixel convolution) and given as flux in a pixel. Covariances already hold the
band limit and the shear, which makes both exact.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

FLOOR = -36.0
"""Exponents below are drawn as this: their products would be denormal numbers, which are slow."""
_COLUMNS = 512  # pixels at a time, so that a block of Gaussians stays in the cache
_OUTER_STEP, _INNER_STEP = 0.05, 0.0125  # steps of the two grids on which arms are sampled [arcsec]
INNER = 0.8
"""Radius within which the finer one serves [arcsec]."""
REACH = 6.0
"""Standard deviations beyond which a Gaussian is not drawn: 1.5e-8 of its peak."""


@lru_cache(maxsize=16)
def pixel_centres(size: int, device: str = "cpu") -> Tensor:
    """Coordinates of pixel centres along an axis, in pixels from the stamp's centre, (size,) float32."""
    return torch.arange(size, dtype=torch.float32, device=device) - (size - 1) / 2


@lru_cache(maxsize=16)
def quadratic(rows: int, size: int, device: str) -> Tensor:
    """1, x, y, x^2, 2 x y, y^2 at the pixels of the first `rows` rows, (6, rows * size)."""
    axis = pixel_centres(size, device)
    y, x = (part.flatten() for part in torch.meshgrid(axis[:rows], axis, indexing="ij"))
    return torch.stack((torch.ones_like(x), x, y, x * x, 2 * x * y, y * y))


def covariance(along: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """Covariances (..., 3: xx, xy, yy) of Gaussians with variances along and across a direction [rad]."""
    mean, half = (along + across) / 2, (along - across) / 2
    cosine, sine = torch.cos(2 * angle), torch.sin(2 * angle)
    return torch.stack((mean + half * cosine, half * sine, mean - half * cosine), dim=-1)


def _exponents(covariances: Tensor, centres: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
    """Coefficients of `quadratic` in each Gaussian's exponent (m, 6), and its peak for unit flux in a pixel (m,)."""
    xx, xy, yy = covariances.unbind(-1)
    determinant = xx * yy - xy * xy
    a, b, c = (-0.5 * part * scale**2 / determinant for part in (yy, -xy, xx))
    peak = scale**2 / (2 * math.pi * torch.sqrt(determinant))
    if centres is None:
        zero = torch.zeros_like(a)
        return torch.stack((zero, zero, zero, a, b, c), dim=-1), peak
    x, y = (centres / scale).unbind(-1)
    linear = (-2 * (a * x + b * y), -2 * (b * x + c * y))
    constant = a * x * x + 2 * b * x * y + c * y * y
    return torch.stack((constant, *linear, a, b, c), dim=-1), peak


def draw_gaussians(fluxes: Tensor, covariances: Tensor, centres: Tensor | None, size: int, scale: float) -> Tensor:
    """Sum of elliptical Gaussians.

    Parameters
    ----------
    fluxes : Tensor
        (bands, m).
    covariances : Tensor
        (m, 3) xx, xy, yy [arcsec^2].
    centres : Tensor, optional
        (m, 2) x and y [arcsec]; None for all at the stamp's centre, which costs half as much.
    size : int
        Pixels a side.
    scale : float
        Pixel scale [arcsec].

    Returns
    -------
    Tensor
        (bands, size, size) float32.
    """
    coefficients, peak = _exponents(covariances.double(), None if centres is None else centres.double(), scale)
    symmetric = centres is None and size % 2 == 0
    rows = size // 2 if symmetric else size
    basis = quadratic(rows, size, str(fluxes.device))
    coefficients, peaks = coefficients.float(), (fluxes.double() * peak).float()
    pieces = [peaks @ (coefficients @ part).clamp_min(FLOOR).exp() for part in basis.split(_COLUMNS, dim=1)]
    image = torch.cat(pieces, dim=1).reshape(-1, rows, size)
    return torch.cat((image, image.flip(-1, -2)), dim=-2) if symmetric else image


def draw_round(fluxes: Tensor, variances: Tensor, centres: Tensor, size: int, scale: float) -> Tensor:
    """Sum of round Gaussians, drawn as products of two profiles.

    Parameters
    ----------
    fluxes : Tensor
        (bands, m).
    variances : Tensor
        (m,) [arcsec^2].
    centres : Tensor
        (m, 2) x and y [arcsec].
    size, scale
        As for `draw_gaussians`.

    Returns
    -------
    Tensor
        (bands, size, size) float32.
    """
    axis = pixel_centres(size, str(fluxes.device)) * scale
    offset = axis - centres.float()[..., None]
    variances = variances.float()
    profiles = (-0.5 * offset**2 / variances[:, None, None]).clamp_min(FLOOR).exp()
    x, y = profiles[:, 0], profiles[:, 1]
    peak = scale**2 / (2 * math.pi * variances)
    weighted = (fluxes.float() * peak)[:, :, None] * y
    return (weighted.transpose(1, 2).reshape(-1, len(x)) @ x).reshape(len(fluxes), size, size)


def draw_rounds(fluxes: Tensor, variances: Tensor, centres: Tensor, size: int, scale: float) -> Tensor:
    """Sums of round Gaussians of several galaxies in one band each; see `draw_round`.

    Parameters
    ----------
    fluxes, variances : Tensor
        (n, m), [1] and [arcsec^2].
    centres : Tensor
        (n, m, 2) x and y [arcsec].
    size, scale
        As for `draw_gaussians`.

    Returns
    -------
    Tensor
        (n, size, size) float32; a galaxy's bits do not depend on the others.
    """
    axis = pixel_centres(size, str(fluxes.device)) * scale
    steep = (-0.5 / variances)[..., None, None].float()
    profiles = (axis - centres.float()[..., None]).square_().mul_(steep).clamp_min_(FLOOR).exp_()
    x, y = profiles[:, :, 0], profiles[:, :, 1]
    y = y * (fluxes * (scale**2 / (2 * math.pi)) / variances).float()[..., None]
    return each(y.transpose(1, 2), x)


def each(left: Tensor, right: Tensor) -> Tensor:
    """Matrix products one by one, whose bits do not depend on how many there are."""
    found = torch.empty((len(left), left.shape[1], right.shape[-1]), device=right.device)
    for row in range(len(left)):
        torch.mm(left[row], right[row] if right.dim() == 3 else right, out=found[row])
    return found


@lru_cache(maxsize=16)
def on_grid(count: int, step: float, inner: bool, device: torch.device) -> Tensor:
    """Share of the arms that one of the two grids draws, at the points of its upper half."""
    axis = (torch.arange(count, dtype=torch.float64, device=device) - (count - 1) / 2) * step
    radius = torch.sqrt(axis * axis + (axis[: count // 2] ** 2)[:, None])
    weight = ((radius - INNER / 2) / (INNER / 2)).clamp(0.0, 1.0)
    weight = weight * weight * (3.0 - 2.0 * weight)
    return (1.0 - weight if inner else weight).float()


@lru_cache(maxsize=16)
def blur_matrices(size: int, scale: float, sigma: float, inner: bool, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """From a finer axis through a Gaussian to pixel centres, and the finer axis [arcsec].

    Matrices (size, m // 2), of rows of the upper half alone, and (m, size), of columns.
    """
    finer = max(2, math.ceil(scale / (_INNER_STEP if inner else _OUTER_STEP) - 1e-9))
    step = scale / finer
    count = 2 * math.ceil(INNER / step) if inner else finer * (size + 2 * math.ceil(4.0 * sigma / scale))
    axis = (torch.arange(count, dtype=torch.float64, device=device) - (count - 1) / 2) * step
    centres = pixel_centres(size, device).double() * scale
    weight = torch.exp(-0.5 * ((centres[:, None] - axis) / sigma) ** 2)
    weight = weight * (step / (math.sqrt(2 * math.pi) * sigma))
    weight = torch.where(weight > 1e-9, weight, 0.0)
    return weight[:, : count // 2].float().contiguous(), weight.T.float().contiguous(), axis.float()
