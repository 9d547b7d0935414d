"""What a CT scanner does to a slice, without its projections: its blur, and the noise of its photons.

Filtered back-projection is linear: it blurs alike everywhere, by a modulation that depends on the radial frequency
alone, and turns the noise of line integrals into a field whose spectrum rises with frequency as the ramp filter does
(Riederer, Pelc, Chesler 1978, Phys. Med. Biol. 23, 446). Its part along a direction has the variance exp(p) / photons
of the rays across it, of line integral p (Kak, Slaney 1988, section 5.2). Both are measured off the scanner once, as
functions of the frequency; tensors from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from . import ct

if TYPE_CHECKING:
    from .ct import Scanner

RINGS = 48
"""Frequencies of a table, evenly from 0 to that of a pixel's diagonal, sqrt(1/2) cycles a pixel."""

DIRECTIONS = 8
"""Of rays that the noise is drawn for."""

COARSE = 4
"""Pixels on a side that line integrals are taken over."""

_TOP = np.sqrt(0.5)


@dataclass(frozen=True)
class Response:
    """Tables of a scanner, (RINGS,) float64.

    Attributes
    ----------
    modulation : ndarray
        Of the blur, 1 at frequency 0.
    spectrum : ndarray
        Amplitude of the noise per root of the variance of a line integral, in Hounsfield units: white noise of unit
        variance filtered by it is the scanner's.
    """

    modulation: np.ndarray
    spectrum: np.ndarray


def measured(scanner: Scanner, size: int = 128, scans: int = 3) -> Response:
    """Tables of a scanner, by scanning noise: an image's for the blur, line integrals' for the noise."""
    random = np.random.Generator(np.random.Philox(20))
    ring = _rings(size)
    above, below, power = (np.zeros(RINGS) for _ in range(3))
    inside = ct.field_of_view(size)
    window = np.hanning(size)[:, None] * np.hanning(size)
    for _ in range(scans):
        image = np.where(inside, 60.0 * random.standard_normal((size, size)), ct.AIR)
        flat = np.where(inside, 0.0, ct.AIR)
        seen = scanner.without_noise(image) - scanner.without_noise(flat)
        true, blurred = (np.fft.fft2(window * side) for side in (image - flat, seen))
        above += np.bincount(ring.ravel(), (blurred * true.conj()).real.ravel(), RINGS)
        below += np.bincount(ring.ravel(), (np.abs(true) ** 2).ravel(), RINGS)
        integrals = random.standard_normal((size, scanner.views))
        noise = scanner.reconstruct(integrals) - scanner.reconstruct(np.zeros_like(integrals))
        found = np.abs(np.fft.fft2(window * noise)) ** 2 / (window**2).sum()
        power += np.bincount(ring.ravel(), found.ravel(), RINGS)
    count = np.bincount(ring.ravel(), minlength=RINGS) * scans
    modulation = np.clip(above / np.maximum(below, 1e-12), 0.0, 1.0)
    modulation[0] = 1.0
    return Response(modulation, np.sqrt(power / np.maximum(count, 1)))


def _rings(size: int) -> np.ndarray:
    axis = np.fft.fftfreq(size)
    frequency = np.hypot(axis[:, None], axis)
    return np.minimum(np.round(frequency / _TOP * (RINGS - 1)).astype(np.int64), RINGS - 1)


def _grid(rows: int, columns: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Frequencies along rows and columns of a half spectrum."""
    y = torch.fft.fftfreq(rows, device=like.device, dtype=like.dtype)[:, None]
    x = torch.fft.rfftfreq(columns, device=like.device, dtype=like.dtype)[None]
    return y, x


def at_frequencies(table: Tensor, rows: int, columns: int) -> Tensor:
    """A table (RINGS,) at the frequencies of a half spectrum of rows x columns pixels, between its entries linearly."""
    y, x = _grid(rows, columns, table)
    place = (torch.hypot(y, x) / _TOP * (RINGS - 1)).clamp(0.0, RINGS - 1 - 1e-4)
    low = place.long()
    return table[low] + (place - low) * (table[low + 1] - table[low])


def blurred(image: Tensor, modulation: Tensor) -> Tensor:
    """Images (n, 1, y, x) as the scanner blurs them; differentiable. Edges are repeated beyond the image."""
    rows, columns = image.shape[-2:]
    wide = functional.pad(image, (8, 8, 8, 8), mode="replicate")
    filtered = torch.fft.rfft2(wide) * at_frequencies(modulation, rows + 16, columns + 16)
    return torch.fft.irfft2(filtered, s=wide.shape[-2:])[..., 8 : 8 + rows, 8 : 8 + columns]


def ray_noise(hounsfield: Tensor, photons: float, pixel: float) -> Tensor:
    """Deviation of the line integrals through each pixel, (n, DIRECTIONS, y, x), of slices (n, 1, y, x).

    Direction k stands for frequencies at k half-turns by DIRECTIONS from the columns' axis: rays run across it.

    Parameters
    ----------
    hounsfield : Tensor
    photons : float
        Along each ray.
    pixel : float
        Its side, mm.
    """
    size = hounsfield.shape[-2:]
    small = functional.avg_pool2d(hounsfield, COARSE, ceil_mode=True, count_include_pad=False)
    attenuation = ct.ATTENUATION_OF_WATER * (1.0 + small / 1000.0).clamp_min(0.0)
    n, _, rows, columns = attenuation.shape
    side = int(np.ceil(np.hypot(rows, columns)))
    made = []
    for k in range(DIRECTIONS):
        angle = np.pi * k / DIRECTIONS
        c, s = float(np.cos(angle)), float(np.sin(angle))
        # from the middle, in pixels: x = c u - s v, y = s u + c v; rays run along v
        turned = attenuation.new_tensor(
            [[c * side / columns, -s * side / columns, 0.0], [s * side / rows, c * side / rows, 0.0]]
        )
        back = attenuation.new_tensor(
            [[c * columns / side, s * rows / side, 0.0], [-s * columns / side, c * rows / side, 0.0]]
        )
        grid = functional.affine_grid(turned.expand(n, 2, 3), [n, 1, side, side], align_corners=False)
        spread = functional.grid_sample(attenuation, grid, align_corners=False)
        integral = spread.sum(dim=2, keepdim=True) * (pixel * COARSE)
        along = integral.expand(n, 1, side, side)
        grid = functional.affine_grid(back.expand(n, 2, 3), [n, 1, rows, columns], align_corners=False)
        made.append(functional.grid_sample(along, grid, padding_mode="border", align_corners=False))
    deviation = torch.exp(0.5 * torch.cat(made, dim=1)) / photons**0.5
    return functional.interpolate(deviation, scale_factor=COARSE, mode="bilinear", align_corners=False)[
        ..., : size[0], : size[1]
    ]


def shaped(white: Tensor, deviation: Tensor, spectrum: Tensor) -> Tensor:
    """Noise (n, 1, y, x) in Hounsfield units.

    Parameters
    ----------
    white : Tensor
        (n, 1, y, x) independent normals.
    deviation : Tensor
        (n, DIRECTIONS, y, x), as of `ray_noise`.
    spectrum : Tensor
        (RINGS,), as of `Response`.
    """
    rows, columns = white.shape[-2:]
    y, x = _grid(rows, columns, spectrum)
    seen = torch.fft.rfft2(white) * at_frequencies(spectrum, rows, columns)
    turn = torch.atan2(y.expand(rows, x.shape[1]), x.expand(rows, x.shape[1])) * (DIRECTIONS / np.pi)
    made = torch.zeros_like(white)
    for k in range(DIRECTIONS):
        apart = torch.remainder(turn - k + DIRECTIONS / 2, DIRECTIONS) - DIRECTIONS / 2
        share = torch.cos(0.5 * np.pi * apart.clamp(-1.0, 1.0)) ** 2  # of all directions: 1
        made = made + deviation[:, k : k + 1] * torch.fft.irfft2(seen * share, s=(rows, columns))
    return made
