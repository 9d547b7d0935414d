"""Networks that enlarge pictures: convolutions at the small size, pixels dealt out at the end.

Sub-pixel convolution after Shi et al. 2016, arXiv:1609.05158; blocks without normalisation, of which 16 of 64 channels
are the literature's usual size, after EDSR (Lim et al. 2017, arXiv:1707.02921).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.1


class FlatConvolution(nn.Module):
    """A 3x3 convolution with zero padding whose kernels are kept as a matrix (outputs, 9 inputs), for `Muon`.

    Parameters
    ----------
    inputs, outputs, dilation : int
    keeps : float
        How much of each channel a new convolution passes on.
    size : float
        Of a new convolution's random kernels, in units of torch's own.
    """

    def __init__(self, inputs: int, outputs: int, *, dilation: int = 1, keeps: float = 0.0, size: float = 1.0) -> None:
        super().__init__()
        self.dilation = dilation
        made = nn.Conv2d(inputs, outputs, 3)
        assert made.bias is not None
        kernels = size * made.weight.detach()
        kernels += keeps * nn.init.dirac_(torch.empty_like(kernels))
        self.weight = nn.Parameter(kernels.flatten(1))
        self.bias = made.bias

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, outputs, y, x) of (n, inputs, y, x)."""
        kernels = self.weight.unflatten(1, (-1, 3, 3))
        return functional.conv2d(pictures, kernels, self.bias, padding=self.dilation, dilation=self.dilation)


class PlainLayer(nn.Module):
    """A convolution and a leaky rectifier, which begins near the identity."""

    reach = 1

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = FlatConvolution(width, width, keeps=0.7, size=0.5)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, width, y, x) of the same."""
        return functional.leaky_relu(self.convolution(pictures), _SLOPE)


class ResidualBlock(nn.Module):
    """What it reads plus two convolutions of it (EDSR's block)."""

    reach = 2

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = FlatConvolution(width, width), FlatConvolution(width, width, size=0.3)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, width, y, x) of the same."""
        return pictures + self.second(functional.relu(self.first(pictures)))


LAYERS = {"plain": PlainLayer, "residual": ResidualBlock}
"""Kinds of hidden layers by name."""


class Upscaler(nn.Module):
    """Pictures to what cubic interpolation misses of them at a larger size; 0 before training.

    Parameters
    ----------
    channels : int
    scale : int
    width, layers : int
        Channels of the hidden layers, and how many layers there are.
    kind : {"plain", "residual"}
        A layer is one convolution, or a block of two.
    """

    def __init__(self, channels: int, *, scale: int, width: int, layers: int, kind: str = "plain") -> None:
        super().__init__()
        made = [LAYERS[kind](width) for _ in range(layers)]
        self.scale, self.halo = scale, sum(layer.reach for layer in made) + 2
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.layers = nn.Sequential(*made)
        self.last = nn.Conv2d(width, channels * scale * scale, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, channels, scale y, scale x) of (n, channels, y, x).

        A pixel depends on `halo` pixels of the small picture on each side, cubic interpolation's two among them.
        """
        hidden = self.first(pictures.contiguous(memory_format=torch.channels_last))
        return functional.pixel_shuffle(self.last(hidden + self.layers(hidden)), self.scale)
