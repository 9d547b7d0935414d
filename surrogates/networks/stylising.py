"""A picture to its change in one of several styles: conditional instance normalisation at a quarter of the size.

After Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, and Dumoulin, Shlens, Kudlur 2017, arXiv:1610.07629, with blocks
of pixels as channels for strided layers. Means and spreads are of the whole picture, also where it is computed in
tiles: a layer is run over all tiles first, and normalised by what it then shows. So tiles leave no seam.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .tiles import in_tiles

PATCH = 4
"""Pixels on a side of a place; sides of a picture are multiples of it."""

LEAST = 4 * PATCH
"""Pixels on a side, at the least: instance normalisation needs some places."""

_SPREAD = 1e-3


def mirrored(pictures: Tensor, height: int, width: int) -> Tensor:
    """Pictures (n, channel, y, x) of any size continued by their mirror image, as often as it takes."""
    for axis, length in ((-2, height), (-1, width)):
        own = pictures.shape[axis]
        if length != own:
            place = torch.arange(length, device=pictures.device) % max(2 * own - 2, 1)
            pictures = pictures.index_select(axis, torch.where(place < own, place, 2 * own - 2 - place))
    return pictures


class MirroredConvolution(nn.Module):
    """A 3x3 convolution with reflection padding whose kernels are kept as a matrix (outputs, 9 inputs), for `Muon`."""

    def __init__(self, inputs: int, outputs: int, *, size: float = 1.0) -> None:
        super().__init__()
        made = nn.Conv2d(inputs, outputs, 3)
        assert made.bias is not None
        self.weight = nn.Parameter(size * made.weight.detach().flatten(1))
        self.bias = made.bias

    def forward(self, maps: Tensor) -> Tensor:
        """(n, outputs, y, x) of (n, inputs, y, x)."""
        padded = functional.pad(maps, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self.weight.unflatten(1, (-1, 3, 3)), self.bias)


class Stylist(nn.Module):
    """Pictures (n, 3, y, x) in [0, 1] and shares of styles to their change, within (-1, 1).

    Parameters
    ----------
    styles : int
    width : int
        Channels at a quarter of the size.
    fine : int
        Channels at half of the size.
    blocks : int
        Residual blocks of two convolutions.
    """

    def __init__(self, styles: int, *, width: int = 48, fine: int = 24, blocks: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "enter": MirroredConvolution(12, fine),
                "down": MirroredConvolution(4 * fine, width),
                "inner": nn.ModuleList(MirroredConvolution(width, width) for _ in range(2 * blocks)),
                "up": MirroredConvolution(width, 4 * fine),
                "draw": MirroredConvolution(2 * fine, 2 * fine),
            }
        )
        self.leave = MirroredConvolution(2 * fine, 12, size=0.3)
        norms = [width] * (2 * blocks + 1)
        self.tables = nn.ParameterList(torch.zeros(1 + styles, 2 * channels) for channels in (*norms, fine, 2 * fine))
        for table in self.tables:
            table.data.normal_(0.0, 0.1)
            table.data[0] += torch.cat((torch.ones(table.shape[1] // 2), torch.zeros(table.shape[1] // 2)))

    def forward(self, pictures: Tensor, shares: Tensor, *, tile: int | None = None) -> Tensor:
        """The change, (n, 3, y, x).

        Parameters
        ----------
        pictures : Tensor
            Of sides that are multiples of `PATCH`, `LEAST` at the least.
        shares : Tensor
            (n, styles), 0 or more.
        tile : int, optional
            Pixels on a side that a layer computes at once; whole pictures otherwise.
        """
        side = max(pictures.shape[-2:]) if tile is None else tile
        side = -(-side // PATCH)
        known = torch.cat((torch.ones_like(shares[:, :1]), shares), dim=1)
        strengths = [(known @ table)[..., None, None].chunk(2, dim=1) for table in self.tables]
        places = functional.pixel_unshuffle(2.0 * pictures - 1.0, PATCH)
        places = places.contiguous(memory_format=torch.channels_last)
        hidden = in_tiles(self._down, places, tile=side, halo=2)
        hidden = functional.relu(normalised(hidden, *strengths[0]))
        inner, norms = self.layers["inner"], iter(strengths[1:-2])
        for number in range(0, len(inner), 2):  # type: ignore[arg-type]
            first, second = inner[number], inner[number + 1]  # type: ignore[index]
            found = functional.relu(normalised(in_tiles(first, hidden, tile=side, halo=1), *next(norms)))
            hidden = hidden + normalised(in_tiles(second, found, tile=side, halo=1), *next(norms))
        width = hidden.shape[1]

        def drawn(both: Tensor) -> Tensor:
            return self._up(both[:, :width], both[:, width:], strengths[-2], strengths[-1])

        return in_tiles(drawn, torch.cat((hidden, places), dim=1), tile=side, halo=3, scale=PATCH)

    def _enter(self, places: Tensor) -> Tensor:
        """At half of the size, (n, fine, y, x)."""
        return functional.relu(self.layers["enter"](functional.pixel_unshuffle(functional.pixel_shuffle(places, 4), 2)))

    def _down(self, places: Tensor) -> Tensor:
        return self.layers["down"](functional.pixel_unshuffle(self._enter(places), 2))

    def _up(self, hidden: Tensor, places: Tensor, first: tuple, second: tuple) -> Tensor:
        entered = self._enter(places)
        found = functional.pixel_shuffle(self.layers["up"](hidden), 2)
        found = functional.relu(first[0] * found + first[1])
        found = self.layers["draw"](torch.cat((found, entered), dim=1))
        found = functional.relu(second[0] * found + second[1])
        return torch.tanh(functional.pixel_shuffle(self.leave(found), 2))


def normalised(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Maps (n, channel, y, x) of mean 0 and spread 1 over their places, then scaled and shifted."""
    middle = maps.mean(dim=(2, 3), keepdim=True)
    spread = (maps - middle).square().mean(dim=(2, 3), keepdim=True).add(_SPREAD).rsqrt()
    return (maps - middle) * (spread * scale) + shift
