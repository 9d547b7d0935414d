"""Logarithmic spiral arms of exponential discs, several galaxies at a time.

Arms are sampled on two grids, a fine one near the centre, and brought through a Gaussian to pixel centres. A galaxy's
bits do not depend on the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from .rendering import INNER, REACH, blur_matrices, draw_rounds, each, on_grid

_OUTER_STEP = 0.05  # about that of the wider grid [arcsec]
_FARTHEST = 8.5  # radius in scale lengths to which arms are drawn
_CORE = (1.0, 1.5)  # radii in scale lengths between which a grid's points give way to smooth arms
_FADING = 0.5  # of which the outer grid's steepest phase makes it fade at all
_STEEPEST = 2.4  # change of the arms' phase from one sample to the next beyond which they fade, averaged out anyway
_BLOCK = 1 << 16  # points at a time, so that they stay in the cache
_SIDE = 32  # pixels of whose multiples arms are drawn


@dataclass(frozen=True)
class Arms:
    """Arms of n discs of unit flux: exp(-R) A(R) cos(m theta - m ln R / tan(pitch) - phase) / (2 pi).

    Attributes
    ----------
    length : Tensor
        (n,) scale length of the disc [arcsec]; R is in units of it.
    shear : Tensor
        (n, 2, 2) symmetric, area-preserving map from the round disc's frame to the sky, x before y.
    number : Tensor
        (n,) m.
    winding : Tensor
        (n,) m / tan(pitch).
    phase, contrast : Tensor
        (n,); A(R) = contrast R^2 / (R^2 + softening^2).
    softening : float
    step : float
        Step in scale lengths of the grid whose points stand for the arms near the centre.
    shown : list of bool, optional
        Of which galaxies that grid is drawn; of none by default.
    core : Tensor, optional
        (n, points) what those points hold, as from `core_fluxes`; needed with a grid.
    """

    length: Tensor
    shear: Tensor
    number: Tensor
    winding: Tensor
    phase: Tensor
    contrast: Tensor
    softening: float
    step: float = 0.0
    shown: list[bool] | None = None
    core: Tensor | None = None

    @cached_property
    def numbers(self) -> Tensor:
        """The inverse of each shear over the scale length, and what else the brightness takes, (n, 10) float32."""
        (a, b), (c, d) = self.shear.double().permute(1, 2, 0)
        length, winding = self.length.double(), self.winding.double()
        norm = length * (a * d - b * c)
        shape = (d / norm, -b / norm, -c / norm, a / norm)
        factor = self.contrast.double() / (2 * math.pi * length**2)
        number = self.number.double()
        steepest = torch.hypot(number, winding) * torch.tensor(self.stretches()).to(length).square() / (INNER / 2)
        rest = (number, winding, 0.5 * winding, self.phase.double(), factor, steepest)
        return torch.stack((*shape, *rest), dim=-1).float()

    def stretches(self) -> list[float]:
        """Factor by which each shear stretches the longer axis."""
        (a, b), (_, d) = self.shear.double().permute(1, 2, 0)
        return ((a + d) / 2 + torch.hypot((a - d) / 2, b)).tolist()


def draw_arms(arms: Arms, rows: Sequence[int], sigma: float, size: int, scale: float) -> Tensor:
    """Arms of discs of unit flux, convolved with a round Gaussian; of no flux but what `core` holds.

    Parameters
    ----------
    arms : Arms
    rows : sequence of int
        Of the galaxies that are drawn.
    sigma : float
        Of the Gaussian [arcsec].
    size, scale
        As for `rendering.draw_gaussians`; `size` is even.

    Returns
    -------
    Tensor
        (rows, size, size) float32.
    """
    device = str(arms.shear.device)
    lengths, stretches = arms.length.tolist(), arms.stretches()
    groups: dict[tuple[int, bool], list[int]] = {}
    for place, row in enumerate(rows):
        reach = math.ceil(2.0 * _FARTHEST * lengths[row] * stretches[row] / scale / _SIDE) * _SIDE
        shown = arms.shown is not None and arms.shown[row]
        groups.setdefault((min(size, reach), shown), []).append(place)
    image = torch.zeros((len(rows), size, size), device=device)
    for (drawn, shown), places in groups.items():
        margin = (size - drawn) // 2
        middle = slice(margin, margin + drawn)
        for chosen in _blocks(places, drawn, scale, sigma):
            found = _smooth(arms, [rows[place] for place in chosen], shown, sigma, drawn, scale)
            image[chosen, middle, middle] = found
    cores: dict[int, list[int]] = {}
    for (drawn, shown), places in groups.items():
        for place in places if shown else ():
            half = (_CORE[1] * lengths[rows[place]] * stretches[rows[place]] + REACH * sigma) / scale
            cores.setdefault(min(drawn, math.ceil(2 * half / _SIDE) * _SIDE), []).append(place)
    for near, places in cores.items():
        middle = slice((size - near) // 2, (size + near) // 2)
        image[places, middle, middle] += _core(arms, [rows[place] for place in places], sigma, near, scale)
    return image


def _blocks(places: list[int], size: int, scale: float, sigma: float) -> Iterator[list[int]]:
    points = (size + 8.0 * sigma / scale) ** 2 * (scale / _OUTER_STEP) ** 2 / 2
    count = max(1, int(_BLOCK / points))
    for first in range(0, len(places), count):
        yield places[first : first + count]


def _smooth(arms: Arms, rows: list[int], shown: bool, sigma: float, size: int, scale: float) -> Tensor:
    """All but the core's points, flux in a pixel, (rows, size, size)."""
    one = _one(arms, rows)
    parity = torch.where(arms.number[rows] % 2 == 0, 1.0, -1.0).float()[:, None, None]
    image: Tensor | None = None
    for inner in (False, True):
        of_rows, of_columns, axis = blur_matrices(size, scale, sigma, inner, str(arms.shear.device))
        bright = _bright(one, axis, inner, shown, arms.softening)
        lines = each(of_rows[None].expand(len(rows), -1, -1), bright)
        found = each(lines + parity * lines.flip(1, 2), of_columns)
        image = found if image is None else image.add_(found)
    assert image is not None
    return image.mul_(scale**2)


_NUMBERS = ("xx", "xy", "yx", "yy", "number", "winding", "half_winding", "phase", "factor", "steepest")


def _one(arms: Arms, rows: list[int]) -> dict[str, Tensor]:
    """Numbers of each galaxy, (rows, 1, 1) float32 each."""
    return dict(zip(_NUMBERS, arms.numbers[rows].t()[..., None, None], strict=True))


def _bright(one: dict[str, Tensor], axis: Tensor, inner: bool, shown: bool, softening: float) -> Tensor:
    """Brightness of arms at the points of a grid, its upper half alone, on its side of the radius where grids change.

    They fade where neighbouring points no longer follow their phase; the Gaussian averages them out there.
    """
    half = axis[: len(axis) // 2, None]
    step = float(axis[1] - axis[0])
    x = one["xx"] * axis + one["xy"] * half
    y = one["yx"] * axis + one["yy"] * half
    square = x.square().addcmul_(y, y)
    angle = torch.atan2(y, x).mul_(one["number"])
    angle.sub_(torch.log(square).mul_(one["half_winding"])).sub_(one["phase"])
    across = one["number"] * x - one["winding"] * y
    along = y.mul_(one["number"]).add_(x.mul_(one["winding"]))
    steep = (one["yx"] * across).sub_(one["xx"] * along).square_()
    slope = across.mul_(one["yy"]).sub_(along.mul_(one["xy"]))
    fades = 1.0 if inner else (one["steepest"] * (step / _STEEPEST) > _FADING).float()
    steep.addcmul_(slope, slope).div_(square).div_(square).mul_(fades * (step / _STEEPEST) ** 2)
    steep.clamp_(1e-4, 1e8).square_().square_().add_(1.0)
    length = torch.sqrt(square)
    share = square.div_(steep.mul_(square + softening**2)).mul_(on_grid(len(axis), step, inner, axis.device))
    if shown:
        share.mul_(_beyond_core(length))
    return share.mul_(length.neg_().exp_()).mul_(angle.cos_()).mul_(one["factor"])


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


def _core(arms: Arms, rows: list[int], sigma: float, size: int, scale: float) -> Tensor:
    """Flux in a pixel of the arms near the centre, as their grid's points show it, (rows, size, size)."""
    assert arms.core is not None
    x, y = _core_points(arms.step)[0].to(arms.shear.device).unbind(-1)
    (a, b), (c, d) = (arms.shear[rows].double() * arms.length[rows, None, None]).permute(1, 2, 0)[..., None]
    places = torch.stack((x * a + y * b, x * c + y * d), dim=-1)
    variances = torch.full(places.shape[:2], sigma**2, dtype=torch.float64, device=places.device)
    half = draw_rounds(arms.core[rows].to(places.device), variances, places, size, scale)
    parity = torch.where(arms.number[rows] % 2 == 0, 1.0, -1.0).float()[:, None, None]
    return half + parity * half.flip(1, 2)
