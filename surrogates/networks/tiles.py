"""A convolutional network over a picture of any size in tiles: memory stays that of one tile, and no seam is left.

A tile is computed with as much of the picture around it as the network sees, and ends where the picture ends, so that
every number is what the whole picture would have given, but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def in_tiles(
    network: Callable[[Tensor], Tensor], pictures: Tensor, *, tile: int, halo: int, scale: int = 1, multiple: int = 1
) -> Tensor:
    """`network` of pictures, tile by tile.

    Parameters
    ----------
    network : callable
        (n, channel, y, x) -> (n, any, scale y, scale x), of convolutions alone.
    pictures : Tensor
        (n, channel, y, x).
    tile : int
        Pixels on a side that are computed at once.
    halo : int
        Pixels on each side of a tile that it depends on.
    scale : int
        How much larger the network makes pictures.
    multiple : int
        Tiles with their halos begin at multiples of it, where the network itself halves its pictures; `tile` and
        `halo` have to be multiples too.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        A tile or halo that is no multiple.
    """
    if tile < 1 or halo < 0 or tile % multiple or halo % multiple:
        raise ValueError(f"tile: {tile} pixels and a halo of {halo}; expected multiples of {multiple}, a tile above 0")
    height, width = pictures.shape[-2:]
    if height <= tile and width <= tile:
        return network(pictures)
    made: Tensor | None = None
    for top in range(0, height, tile):
        bottom = min(top + tile, height)
        first, last = max(top - halo, 0), min(bottom + halo, height)
        for left in range(0, width, tile):
            right = min(left + tile, width)
            start, stop = max(left - halo, 0), min(right + halo, width)
            found = network(pictures[..., first:last, start:stop])
            inner = found[
                ...,
                scale * (top - first) : scale * (bottom - first),
                scale * (left - start) : scale * (right - start),
            ]
            if made is None:
                made = inner.new_empty((*inner.shape[:-2], scale * height, scale * width))
            made[..., scale * top : scale * bottom, scale * left : scale * right] = inner
    assert made is not None
    return made


def turned(pictures: Tensor, way: int) -> Tensor:
    """Pictures (…, y, x) in one of the eight ways a square maps to itself: flips by bits 0 and 1, axes by bit 2."""
    flipped = [axis for bit, axis in ((1, -2), (2, -1)) if way & bit]
    pictures = pictures.flip(flipped) if flipped else pictures
    return pictures.transpose(-2, -1) if way & 4 else pictures


def turned_back(pictures: Tensor, way: int) -> Tensor:
    """Inverse of `turned`."""
    pictures = pictures.transpose(-2, -1) if way & 4 else pictures
    flipped = [axis for bit, axis in ((1, -2), (2, -1)) if way & bit]
    return pictures.flip(flipped) if flipped else pictures


def over_turns(network: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Mean of `network` over the eight ways to hold a picture (Timofte et al. 2016, arXiv:1511.02228)."""
    found = [turned_back(network(turned(pictures, way)), way) for way in range(8)]
    return torch.stack(found).mean(dim=0)
