"""Spectrum matching: every wave of a generator's images gets the size that it typically has in the data.

A linear filter of luminance and colour differences, wave by wave of the discrete cosine transform (Ahmed et al. 1974,
IEEE Trans. Comput. C-23, 90), category by category if asked; of the mean grey its spread and its place too. It takes
away the rest of noise that a flow of few steps leaves where the data are smooth, as the colours of JPEG files are, and
gives back what a decoder blurs; it moves no edge to another place, and mends no phases. Typical is the geometric mean:
the power of images lies decades apart, and its plain mean is that of the roughest few.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

TO_LUMINANCE = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.299 / 1.772, -0.587 / 1.772, 0.5], [0.5, -0.587 / 1.402, -0.114 / 1.402]],
    dtype=torch.float64,
)
"""Luminance and two colour differences of red, green and blue (ITU-R BT.601-7, 2.5.1 and 2.5.2)."""

FROM_LUMINANCE = torch.linalg.inv(TO_LUMINANCE)

MOST_GAIN = 3.0
"""A wave is amplified no more: what is nearly absent is not to be made of rounding."""

LEAST = 1e-8
"""Added to squares of waves before their logarithm, for images in [-1, 1]; bytes are told apart to 2e-5."""


class SpectrumTally(nn.Module):
    """Sums over images from which the typical size of every wave follows.

    Parameters
    ----------
    categories, channels, size : int
        Categories that are counted apart, 1 for none; 1 or 3 channels; pixels on a side.
    """

    logarithm: Tensor
    grey: Tensor
    images: Tensor

    def __init__(self, categories: int, channels: int, size: int) -> None:
        super().__init__()
        shapes = {
            "logarithm": (categories, channels, size, size),
            "grey": (2, categories, channels),
            "images": (categories,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    @torch.no_grad()
    def add(self, images: Tensor, label: Tensor | None = None) -> None:
        """Count images (n, channels, size, size) of label vectors (n, categories)."""
        found = waves(images).double()
        share = _share(label, found, len(self.images))
        self.logarithm += torch.einsum("nk,ncyx->kcyx", share, torch.log(found.square() + LEAST))
        powers = torch.stack((found[..., 0, 0], found[..., 0, 0].square()))
        self.grey += torch.einsum("nk,pnc->pkc", share, powers)
        self.images += share.sum(0)

    def typical(self) -> tuple[Tensor, Tensor, Tensor]:
        """Size (categories, channels, size, size) of every wave; mean and spread (categories, channels) of the 0th."""
        n = self.images.clamp(min=1.0)
        mean, square = self.grey / n[:, None]
        size = torch.exp(0.5 * self.logarithm / n[:, None, None, None])
        return size, mean, (square - mean.square()).clamp(min=1e-12).sqrt()


class SpectrumMatching(nn.Module):
    """The filter; it leaves images as they are until it is matched.

    Parameters
    ----------
    categories, channels, size : int
        As of `SpectrumTally`.
    """

    gain: Tensor
    shift: Tensor

    def __init__(self, categories: int, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("gain", torch.ones(categories, channels, size, size))
        self.register_buffer("shift", torch.zeros(categories, channels))

    def match(self, drawn: SpectrumTally, given: SpectrumTally) -> None:
        """Take what is typical of drawn images and of the data; categories that either lacks stay as they are."""
        (made, made_mean, made_spread), (true, true_mean, true_spread) = drawn.typical(), given.typical()
        gain = (true / made).clamp(max=MOST_GAIN)
        gain[..., 0, 0] = (true_spread / made_spread).clamp(max=MOST_GAIN)
        seen = (drawn.images > 1) & (given.images > 1)
        self.gain[seen] = gain[seen].to(self.gain)
        self.shift[seen] = (true_mean - gain[..., 0, 0] * made_mean)[seen].to(self.shift)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Images (n, channels, size, size) of label vectors (n, categories), of the same shape."""
        found = waves(images)
        share = _share(label, found, len(self.gain))
        made = found * torch.einsum("nk,kcyx->ncyx", share, self.gain.to(found))
        made[..., 0, 0] += share @ self.shift.to(found)
        return pixels(made)


def _share(label: Tensor | None, like: Tensor, categories: int) -> Tensor:
    """(n, categories) of label vectors; all of the one category where there is one."""
    if categories == 1 or label is None:
        return like.new_ones(len(like), 1).expand(-1, categories) / categories
    return label.to(like)


def waves(images: Tensor) -> Tensor:
    """Cosine transforms (n, channels, size, size) of luminance and colour differences, or of grey images."""
    basis = _cosines(images)
    planes = images if images.shape[1] == 1 else _turned(images, TO_LUMINANCE)
    return basis @ planes @ basis.T


def pixels(found: Tensor) -> Tensor:
    """Inverse of `waves`."""
    basis = _cosines(found)
    planes = basis.T @ found @ basis
    return planes if planes.shape[1] == 1 else _turned(planes, FROM_LUMINANCE)


def _turned(images: Tensor, matrix: Tensor) -> Tensor:
    """Images (n, 3, size, size) whose channels are multiplied by a matrix."""
    return (images.movedim(1, -1) @ matrix.to(images).T).movedim(-1, 1)


def _cosines(like: Tensor) -> Tensor:
    """Orthonormal basis (wave, pixel) of the second cosine transform."""
    size = like.shape[-1]
    places = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (places[None] + 0.5) * places[:, None]) * math.sqrt(2.0 / size)
    basis[0] /= math.sqrt(2.0)
    return basis.to(like)
