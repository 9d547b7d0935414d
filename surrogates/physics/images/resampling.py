"""Pictures at other sizes, as tensors (n, channel, y, x): cubic with and without antialiasing, Lanczos, nearest.

Cubic is Keys' kernel with a = -0.5 (Keys 1981, IEEE Trans. Acoust. Speech Signal Process. 29, 1153), widened by the
factor where a picture gets smaller: what MATLAB's `imresize` and Pillow call bicubic, but for the rows at the edge,
where MATLAB mirrors the picture and these weights are normalised over what is there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def cubic(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures at `size` (y, x) by Keys' cubic kernel, antialiased where they get smaller."""
    return functional.interpolate(pictures, size=size, mode="bicubic", align_corners=False, antialias=True)


def enlarged(pictures: Tensor, scale: int) -> Tensor:
    """Pictures `scale` times larger by Keys' cubic kernel."""
    return cubic(pictures, (scale * pictures.shape[-2], scale * pictures.shape[-1]))


def reduced(pictures: Tensor, scale: int, *, levels: int = 255) -> Tensor:
    """Pictures `scale` times smaller by Keys' cubic kernel with antialiasing, rounded to `levels` above 0.

    Raises
    ------
    ValueError
        Sides that are no multiples of `scale`.
    """
    height, width = pictures.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"pictures: {height} x {width}; expected multiples of {scale}")
    small = cubic(pictures, (height // scale, width // scale))
    return torch.round(small.clamp(0.0, 1.0) * levels) / levels


def nearest(pictures: Tensor, scale: int) -> Tensor:
    """Every pixel `scale` times along each axis."""
    return functional.interpolate(pictures, scale_factor=scale, mode="nearest")


def lanczos(pictures: Tensor, scale: int, lobes: int = 3) -> Tensor:
    """Pictures `scale` times larger by a windowed sinc of `lobes` lobes, weights normalised at the edges.

    Duchon 1979, J. Appl. Meteorol. 18, 1016.
    """
    for axis in (-2, -1):
        length = pictures.shape[axis]
        places = (torch.arange(scale * length, dtype=torch.float64) + 0.5) / scale - 0.5
        apart = places[:, None] - torch.arange(length, dtype=torch.float64)
        weights = torch.sinc(apart) * torch.sinc(apart / lobes) * (apart.abs() < lobes)
        weights = (weights / weights.sum(dim=1, keepdim=True)).to(pictures)
        pictures = (weights @ pictures.transpose(axis, -2)).transpose(axis, -2)
    return pictures


def sharpened(pictures: Tensor, amount: float = 1.0, width: float = 1.5) -> Tensor:
    """Pictures plus `amount` of what a Gaussian blur of `width` pixels takes off them."""
    return pictures + amount * (pictures - blurred(pictures, width))


def blurred(pictures: Tensor, width: float) -> Tensor:
    """Pictures under a Gaussian of standard deviation `width` pixels, edges repeated."""
    reach = max(math.ceil(3 * width), 1)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=pictures.dtype) / width) ** 2)
    kernel = kernel / kernel.sum()
    channels = pictures.shape[1]
    padded = functional.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return functional.conv2d(rows, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
