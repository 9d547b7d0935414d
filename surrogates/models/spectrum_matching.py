"""Spectrum matching: every wave of a generator's images gets the power that it has in the data.

A linear filter of luminance and colour differences, wave by wave of the discrete cosine transform (Ahmed et al. 1974,
IEEE Trans. Comput. C-23, 90), about the mean image. It takes away the rest of noise that a flow of few steps leaves
where the data are smooth, as the colours of JPEG files are; it moves no edge to another place, and mends no phases.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..physics.images.colour import from_luminance, to_luminance

MOST_GAIN = 3.0
"""A wave is amplified no more: what is nearly absent is not to be made of rounding."""


class SpectrumTally(nn.Module):
    """Sums over images from which the mean and the power of every wave follow.

    Parameters
    ----------
    channels, size : int
        1 or 3, and pixels on a side.
    """

    first: Tensor
    second: Tensor
    images: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("first", torch.zeros(channels, size, size, dtype=torch.float64))
        self.register_buffer("second", torch.zeros(channels, size, size, dtype=torch.float64))
        self.register_buffer("images", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def add(self, images: Tensor) -> None:
        """Count images (n, channels, size, size)."""
        found = waves(images).double()
        self.first += found.sum(0)
        self.second += found.square().sum(0)
        self.images += len(images)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (channels, size, size) of every wave."""
        n = self.images.clamp(min=1.0)
        mean = self.first / n
        return mean, (self.second / n - mean.square()).clamp(min=0.0).sqrt()


class SpectrumMatching(nn.Module):
    """The filter; it leaves images as they are until it is matched.

    Parameters
    ----------
    channels, size : int
        1 or 3, and pixels on a side.
    """

    gain: Tensor
    shift: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("gain", torch.ones(channels, size, size))
        self.register_buffer("shift", torch.zeros(channels, size, size))

    def match(self, drawn: SpectrumTally, given: SpectrumTally) -> None:
        """Take the waves' means and powers of what was drawn and of the data."""
        (made, spread), (true, wanted) = drawn.moments(), given.moments()
        gain = (wanted / spread.clamp(min=1e-12)).clamp(0.0, MOST_GAIN)
        self.gain.copy_(gain)
        self.shift.copy_(true - gain * made)

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, channels, size, size) of the same shape."""
        return pixels(waves(images) * self.gain.to(images) + self.shift.to(images))


def waves(images: Tensor) -> Tensor:
    """Cosine transforms (n, channels, size, size) of luminance and colour differences, or of grey images."""
    basis = _cosines(images)
    planes = images if images.shape[1] == 1 else to_luminance(images.movedim(1, -1)).movedim(-1, 1)
    return basis @ planes @ basis.T


def pixels(found: Tensor) -> Tensor:
    """Inverse of `waves`."""
    basis = _cosines(found)
    planes = basis.T @ found @ basis
    return planes if planes.shape[1] == 1 else from_luminance(planes.movedim(1, -1)).movedim(-1, 1)


def _cosines(like: Tensor) -> Tensor:
    """Orthonormal basis (wave, pixel) of the second cosine transform."""
    size = like.shape[-1]
    places = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (places[None] + 0.5) * places[:, None]) * math.sqrt(2.0 / size)
    basis[0] /= math.sqrt(2.0)
    return basis.to(like)
