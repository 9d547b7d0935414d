"""Draw galaxies: sums of Gaussians at pixel centres, point-like parts, and log-spiral arms.

Each function draws one galaxy in all bands; brightness is sampled at pixel centres (no pixel convolution) and given as
flux in a pixel. Covariances already hold the band limit and the shear, which makes both exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

_FLOOR = -36.0  # exponents below are drawn as this: their products would be denormal numbers, which are slow
_COLUMNS = 512  # pixels at a time, so that a block of Gaussians stays in the cache
_OUTER_STEP, _INNER_STEP = 0.05, 0.0125  # steps of the two grids on which arms are sampled [arcsec]
_FARTHEST = 8.5  # radius in scale lengths to which arms are drawn
_CORE = (1.0, 1.5)  # radii in scale lengths between which a grid's points give way to smooth arms
_INNER = 0.8  # radius within which the finer one serves [arcsec]
_FADING = 0.5  # of which the outer grid's steepest phase makes fading worth its cost
_STEEPEST = 2.4  # change of the arms' phase from one sample to the next beyond which they fade, averaged out anyway


@lru_cache(maxsize=16)
def pixel_centres(size: int, device: str = "cpu") -> Tensor:
    """Coordinates of pixel centres along an axis, in pixels from the stamp's centre, (size,) float32."""
    return torch.arange(size, dtype=torch.float32, device=device) - (size - 1) / 2


@lru_cache(maxsize=16)
def _quadratic(rows: int, size: int, device: str) -> Tensor:
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
    """Coefficients of `_quadratic` in each Gaussian's exponent (m, 6), and its peak for unit flux in a pixel (m,)."""
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
    basis = _quadratic(rows, size, str(fluxes.device))
    coefficients, peaks = coefficients.float(), (fluxes.double() * peak).float()
    pieces = [peaks @ (coefficients @ part).clamp_min(_FLOOR).exp() for part in basis.split(_COLUMNS, dim=1)]
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
    profiles = (-0.5 * offset**2 / variances[:, None, None]).clamp_min(_FLOOR).exp()
    x, y = profiles[:, 0], profiles[:, 1]
    peak = scale**2 / (2 * math.pi * variances)
    weighted = (fluxes.float() * peak)[:, :, None] * y
    return (weighted.transpose(1, 2).reshape(-1, len(x)) @ x).reshape(len(fluxes), size, size)


@dataclass(frozen=True)
class Arms:
    """Logarithmic arms of an exponential disc: exp(-R) A(R) cos(m theta - m ln R / tan(pitch) - phase) / (2 pi).

    Attributes
    ----------
    length : float
        Scale length of the disc [arcsec]; R is in units of it.
    shear : Tensor
        (2, 2) symmetric, area-preserving map from the round disc's frame to the sky, x before y.
    number : int
        m.
    winding : float
        m / tan(pitch).
    phase, contrast, softening : float
        A(R) = contrast R^2 / (R^2 + softening^2).
    step : float
        Step in scale lengths of the grid whose points stand for the arms near the centre; 0 for arms without a grid.
    core : Tensor, optional
        What those points hold, as from `core_fluxes`; needed with a grid.
    """

    length: float
    shear: Tensor
    number: int
    winding: float
    phase: float
    contrast: float
    softening: float
    step: float = 0.0
    core: Tensor | None = None

    def draw(self, sigma: float, size: int, scale: float) -> Tensor:
        """See `draw_arms`."""
        return draw_arms(self, sigma, size, scale)


def draw_arms(arms: Arms, sigma: float, size: int, scale: float) -> Tensor:
    """Arms of a disc of unit flux, convolved with a round Gaussian; of no flux but what `core` holds.

    Parameters
    ----------
    arms : Arms
    sigma : float
        Of the Gaussian [arcsec].
    size, scale
        As for `draw_gaussians`; `size` is even.

    Returns
    -------
    Tensor
        (size, size) float32.
    """
    device = str(arms.shear.device)
    (a, b), (_, d) = arms.shear.tolist()
    stretch = (a + d) / 2 + math.hypot((a - d) / 2, b)
    reach = math.ceil(2.0 * _FARTHEST * arms.length * stretch / scale / 16.0) * 16
    drawn = min(size, reach)
    image: Tensor | float = 0.0
    for inner in (False, True):
        of_rows, of_columns, axis = blur_matrices(drawn, scale, sigma, inner, device)
        rows = of_rows @ _arms(arms, axis, inner)
        image = image + (rows + (-1.0) ** arms.number * rows.flip(0, 1)) @ of_columns
    assert isinstance(image, Tensor)
    if arms.step > 0.0:
        image = image + _core(arms, sigma, drawn, scale)
    margin = (size - drawn) // 2
    return torch.nn.functional.pad(image * scale**2, (margin,) * 4)


def _arms(arms: Arms, axis: Tensor, inner: bool) -> Tensor:
    """Brightness of arms at the points of a grid, its upper half alone, on its side of the radius where grids change.

    They fade where neighbouring points no longer follow their phase; the Gaussian averages them out there.
    """
    half = axis[: len(axis) // 2]
    (a, b), (c, d) = arms.shear.tolist()
    norm = arms.length * (a * d - b * c)
    inverse = ((d / norm, -b / norm), (-c / norm, a / norm))
    x = inverse[0][0] * axis + inverse[0][1] * half[:, None]
    y = inverse[1][0] * axis + inverse[1][1] * half[:, None]
    square = x * x + y * y
    angle = torch.atan2(y, x).mul_(arms.number)
    angle.sub_(torch.log(square), alpha=0.5 * arms.winding).sub_(arms.phase)
    share = (square / (square + arms.softening**2)).mul_(
        on_grid(len(axis), float(axis[1] - axis[0]), inner, axis.device)
    )
    step = float(axis[1] - axis[0]) / _STEEPEST
    stretch = (a + d) / 2 + math.hypot((a - d) / 2, b)
    if inner or math.hypot(arms.number, arms.winding) * stretch**2 * step > _FADING * _INNER / 2:
        across, along = arms.number * x - arms.winding * y, arms.number * y + arms.winding * x
        slope_x, slope_y = (inverse[1][k] * across - inverse[0][k] * along for k in (0, 1))
        steep = (slope_x * slope_x + slope_y * slope_y).div_(square * square).clamp_min_(1e-6).mul_(step**2)
        share = share / (1.0 + steep.clamp_min_(1e-4) ** 4)
    length = torch.sqrt(square)
    if arms.step > 0.0:
        share = share.mul_(_beyond_core(length))
    return torch.exp(-length).mul_(share).mul_(torch.cos(angle)).mul_(arms.contrast / (2 * math.pi * arms.length**2))


@lru_cache(maxsize=16)
def on_grid(count: int, step: float, inner: bool, device: torch.device) -> Tensor:
    """Share of the arms that one of the two grids draws, at the points of its upper half."""
    axis = (torch.arange(count, dtype=torch.float64, device=device) - (count - 1) / 2) * step
    radius = torch.sqrt(axis * axis + (axis[: count // 2] ** 2)[:, None])
    weight = ((radius - _INNER / 2) / (_INNER / 2)).clamp(0.0, 1.0)
    weight = weight * weight * (3.0 - 2.0 * weight)
    return (1.0 - weight if inner else weight).float()


def _beyond_core(radius: Tensor) -> Tensor:
    """Share of the arms at a radius in scale lengths that is drawn smoothly rather than from the grid's points."""
    place = ((radius - _CORE[0]) / (_CORE[1] - _CORE[0])).clamp(0.0, 1.0)
    return place * place * (3.0 - 2.0 * place)


@lru_cache(maxsize=4)
def _core_points(step: float) -> tuple[Tensor, Tensor, Tensor]:
    """Points (m, 2) of the lower half of a grid within the core, in scale lengths; radius and angle."""
    count = math.ceil(_CORE[1] / step)
    axis = (torch.arange(2 * count, dtype=torch.float64) - (2 * count - 1) / 2) * step
    y, x = (part.flatten() for part in torch.meshgrid(axis[:count], axis, indexing="ij"))
    radius = torch.hypot(x, y)
    near = radius < _CORE[1]
    return torch.stack((x, y), dim=-1)[near], radius[near], torch.atan2(y, x)[near]


def core_fluxes(
    number: Tensor, winding: Tensor, phase: Tensor, contrast: Tensor, softening: float, step: float
) -> Tensor:
    """What the points of the core's lower half hold, over the disc's flux.

    The upper half holds the same where the number of arms is even, and its negative where it is odd.

    Parameters
    ----------
    number, winding, phase, contrast : Tensor
        (n,) as in `Arms`.
    softening, step : float

    Returns
    -------
    Tensor
        (n, points) float64.
    """
    _, radius, angle = _core_points(step)
    shape = radius**2 / (radius**2 + softening**2) * torch.exp(-radius) * (1.0 - _beyond_core(radius))
    crest = number[:, None] * angle - winding[:, None] * torch.log(radius) - phase[:, None]
    return torch.cos(crest) * (contrast[:, None] * (step**2 / (2 * math.pi))) * shape


def _core(arms: Arms, sigma: float, size: int, scale: float) -> Tensor:
    """Brightness of the arms near the centre, as their grid's points show it, (size, size)."""
    points = _core_points(arms.step)[0]
    flux = arms.core
    assert flux is not None
    places = (points @ arms.shear.cpu().T * arms.length).to(arms.shear.device)
    variance = torch.full((len(points),), sigma**2, device=places.device)
    half = draw_round(flux[None].to(places.device), variance, places, size, scale)[0]
    return (half + (-1.0) ** arms.number * half.flip(0, 1)) / scale**2


@lru_cache(maxsize=16)
def blur_matrices(size: int, scale: float, sigma: float, inner: bool, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """From a finer axis through a Gaussian to pixel centres, and the finer axis [arcsec].

    Matrices (size, m // 2), of rows of the upper half alone, and (m, size), of columns.
    """
    finer = max(2, math.ceil(scale / (_INNER_STEP if inner else _OUTER_STEP) - 1e-9))
    step = scale / finer
    count = 2 * math.ceil(_INNER / step) if inner else finer * (size + 2 * math.ceil(4.0 * sigma / scale))
    axis = (torch.arange(count, dtype=torch.float64, device=device) - (count - 1) / 2) * step
    centres = pixel_centres(size, device).double() * scale
    weight = torch.exp(-0.5 * ((centres[:, None] - axis) / sigma) ** 2)
    weight = weight * (step / (math.sqrt(2 * math.pi) * sigma))
    weight = torch.where(weight > 1e-9, weight, 0.0)
    return weight[:, : count // 2].float().contiguous(), weight.T.float().contiguous(), axis.float()
