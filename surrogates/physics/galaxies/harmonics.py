"""Light that varies around the centre, in a galaxy's own frame: measured from an image, and drawn on the sky.

In the frame where a disc is round, brightness over its mean at each radius is 1 + sum over m of a_m(r) cos(m theta -
phi_m(r)). Shear and size map that frame to the sky exactly, since the sky's pixels are looked up in it; a Gaussian then
takes it to pixel centres, and keeps its flux.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .rendering import blur_matrices, on_grid

ANGLES = 64
"""Points on a circle at which an image is read."""

_STEEPEST = 2.4  # change of a phase from one sample to the next beyond which it fades: the Gaussian averages it out
_LEAST = 0.01  # mean amplitude, by light, below which a harmonic is not drawn


def measured_harmonics(image: np.ndarray, step: float, radii: np.ndarray, highest: int) -> np.ndarray:
    """Harmonics c_m(r) of an image, (highest + 1, radii): brightness is the real part of the sum of c_m exp(i m theta).

    Parameters
    ----------
    image : ndarray
        (size, size), its centre amid the stamp.
    step : float
        Side of a pixel, in the units of `radii`.
    radii : ndarray
        Circles about the centre.
    highest : int
        Largest m, below `ANGLES` / 2.
    """
    from scipy.ndimage import map_coordinates

    theta = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
    middle = (image.shape[0] - 1) / 2
    rows, columns = (middle + np.outer(radii, part(theta)) / step for part in (np.sin, np.cos))
    spectrum = np.fft.rfft(map_coordinates(image, [rows, columns], order=5, mode="nearest"), axis=1) / ANGLES
    spectrum[:, 1:] *= 2.0
    return spectrum[:, : highest + 1].T


def amplitudes_and_slopes(harmonics: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitude over the mean, phase, and the phase's slope d phi / d ln r, of harmonics 1 and up.

    Parameters
    ----------
    harmonics : ndarray
        As from `measured_harmonics`, on radii so near that no phase turns by half a circle from one to the next.
    radii : ndarray

    Returns
    -------
    tuple of ndarray
        (m, radii) each; a harmonic of no amplitude has whatever phase it has.
    """
    of = harmonics[1:]
    amplitude = np.abs(of) / np.maximum(np.abs(harmonics[0]), 1e-12)
    phase = np.unwrap(-np.angle(of), axis=1)
    return amplitude, phase, np.gradient(phase, np.log(radii), axis=1)


def turned_harmonics(phase: Tensor, angle: Tensor, mirrored: Tensor) -> Tensor:
    """Phases (n, m, k) of harmonics 1 to m of galaxies mirrored about the x axis where (n,) says so, then turned [rad].

    The inverse is a turn by minus the angle, then the mirror: (phase - m angle), negated where mirrored.
    """
    number = torch.arange(1, phase.shape[1] + 1, dtype=phase.dtype, device=phase.device)
    phase = torch.where(mirrored[:, None, None], -phase, phase)
    return phase + number[None, :, None] * angle[:, None, None]


@dataclass(frozen=True)
class Harmonics:
    """What varies around the centre of one disc, tabulated on a geometric grid of radii.

    Attributes
    ----------
    length : float
        Unit of radius [arcsec].
    shear : Tensor
        (2, 2) area-preserving map from the round frame to the sky, x before y.
    first, step : float
        ln of the first radius, and the step in it.
    brightness : Tensor
        (k,) ln of the mean brightness at each radius, of a disc of unit flux and unit length.
    amplitude, phase : Tensor
        (m, k) of harmonics 1 to m.
    """

    length: float
    shear: Tensor
    first: float
    step: float
    brightness: Tensor
    amplitude: Tensor
    phase: Tensor

    def draw(self, sigma: float, size: int, scale: float) -> Tensor:
        """Its image through a Gaussian, flux in a pixel, (size, size) float32; it has no flux.

        Parameters
        ----------
        sigma : float
            Of the Gaussian [arcsec].
        size : int
            Even.
        scale : float
            Side of a pixel [arcsec].
        """
        light = torch.exp(self.brightness + 2.0 * self.step * torch.arange(len(self.brightness)))
        mean = (self.amplitude * light).sum(-1) / light.sum()
        seen = [m for m, share in enumerate(mean.tolist()) if share > _LEAST]
        image = torch.zeros(size, size)
        if not seen:
            return image
        (a, b), (_, d) = self.shear.tolist()
        stretch = (a + d) / 2 + math.hypot((a - d) / 2, b)
        farthest = self.length * stretch * math.exp(self.first + self.step * (len(self.brightness) - 1))
        drawn = min(size, 16 * math.ceil(2.0 * farthest / scale / 16.0))
        for inner in (False, True):
            of_rows, of_columns, axis = blur_matrices(drawn, scale, sigma, inner, str(self.shear.device))
            even, odd = self._brightness(axis, inner, seen)
            for part, sign in ((even, 1.0), (odd, -1.0)):
                if part is not None:
                    rows = of_rows @ part
                    image_part = (rows + sign * rows.flip(0, 1)) @ of_columns
                    margin = (size - drawn) // 2
                    image = image + torch.nn.functional.pad(image_part * scale**2, (margin,) * 4)
        return image

    def _brightness(self, axis: Tensor, inner: bool, seen: list[int]) -> tuple[Tensor | None, Tensor | None]:
        """Brightness on the upper half of a grid of the sky, of even and of odd harmonics."""
        half = axis[: len(axis) // 2]
        (a, b), (c, d) = self.shear.tolist()
        norm = self.length * (a * d - b * c)
        x = (d * axis - b * half[:, None]) / norm
        y = (a * half[:, None] - c * axis) / norm
        square = x * x + y * y
        last = len(self.brightness) - 1
        place = (0.5 * torch.log(square) - self.first) / self.step
        inside = place < last
        below = place.clamp(0.0, last - 1e-3).floor()
        share = (place - below).clamp(-40.0, 1.0)
        index = below.long()
        theta = torch.atan2(y, x)
        share_within = share.clamp(min=0.0)
        weight = on_grid(len(axis), float(axis[1] - axis[0]), inner, axis.device) * inside
        weight = weight * torch.exp(2.0 * self.step * share.clamp(max=0.0)) / self.length**2  # inside, as r^2
        stretch = (a + d) / 2 + math.hypot((a - d) / 2, b)
        spacing = float(axis[1] - axis[0]) * stretch / (self.length * _STEEPEST)
        radii = torch.exp(self.first + self.step * torch.arange(last + 1))
        found: list[Tensor | None] = [None, None]
        for m in seen:
            slope = torch.gradient(self.phase[m], spacing=self.step)[0]
            steep = torch.hypot(torch.tensor(m + 1.0), slope) * spacing / radii
            light = self.brightness + torch.log(self.amplitude[m].clamp(min=1e-6) / (1.0 + steep**8))
            wave = torch.cos((m + 1) * theta - _between(self.phase[m], index, share))
            wave = wave.mul_(torch.exp(_between(light, index, share_within))).mul_(weight)
            odd = (m + 1) % 2
            before = found[odd]
            found[odd] = wave if before is None else before + wave
        return found[0], found[1]


def _between(table: Tensor, index: Tensor, share: Tensor) -> Tensor:
    """Linear between the entries of a table, and beyond its first by the first step."""
    table = table.float()
    return torch.addcmul(table[index], share, (table[1:] - table[:-1])[index])


def harmonic_cells(amplitude: Tensor, phase: Tensor, angles: int) -> Tensor:
    """Brightness over its mean on circles, less 1: (n, k, angles) of amplitudes and phases (n, m, k)."""
    theta = 2.0 * math.pi * (torch.arange(angles, dtype=phase.dtype, device=phase.device) + 0.5) / angles
    number = torch.arange(1, phase.shape[1] + 1, dtype=phase.dtype, device=phase.device)
    turn = number[:, None] * theta
    cosine, sine = amplitude * torch.cos(phase), amplitude * torch.sin(phase)
    return torch.einsum("nmk,ma->nka", cosine, torch.cos(turn)) + torch.einsum("nmk,ma->nka", sine, torch.sin(turn))
