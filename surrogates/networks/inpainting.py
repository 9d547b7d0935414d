"""A context encoder with dilated convolutions: a picture with a hole to what a smooth fill misses of it.

Dilated layers see far at one resolution (Iizuka, Simo-Serra, Ishikawa 2017, ACM Trans. Graph. 36, 107); blocks of
`patch` squared pixels are the channels of one place, so that no pixel is lost and a layer is that many times cheaper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .upscaling import FlatConvolution

_SLOPE = 0.1

DILATIONS = (1, 2, 4, 8, 4, 2, 1, 1)
"""Of the layers, in places; together with the first and last they see 25 of them."""


class DilatedLayer(nn.Module):
    """What it reads plus a dilated convolution of it, rectified."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.convolution = FlatConvolution(width, width, dilation=dilation)

    def forward(self, places: Tensor) -> Tensor:
        """(n, width, y, x) of the same."""
        return places + functional.leaky_relu(self.convolution(places), _SLOPE)


class ContextEncoder(nn.Module):
    """Planes and the hole to the planes' change; 0 before training.

    Parameters
    ----------
    channels : int
        Planes of a picture.
    width : int
        Channels of the hidden layers.
    patch : int
        Pixels on a side of a place; sides of a picture are multiples of it.
    dilations : tuple of int
    """

    def __init__(
        self, channels: int = 3, *, width: int = 96, patch: int = 4, dilations: tuple[int, ...] = DILATIONS
    ) -> None:
        super().__init__()
        self.patch, self.halo = patch, patch * (sum(dilations) + 2)
        self.first = nn.Conv2d((channels + 1) * patch * patch, width, 3, padding=1)
        self.layers = nn.Sequential(*(DilatedLayer(width, dilation) for dilation in dilations))
        self.last = nn.Conv2d(width, channels * patch * patch, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, pictures: Tensor, hole: Tensor) -> Tensor:
        """Change (n, channels, y, x) of pictures (n, channels, y, x) with a hole (n, 1, y, x) of 1.

        A pixel depends on `halo` pixels on each side.
        """
        places = functional.pixel_unshuffle(torch.cat((pictures, hole), dim=1), self.patch)
        hidden = functional.leaky_relu(self.first(places.contiguous(memory_format=torch.channels_last)), _SLOPE)
        return functional.pixel_shuffle(self.last(self.layers(hidden)), self.patch)
