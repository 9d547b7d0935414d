"""Parts of pictures at random places and turned at random, the same for pictures at several sizes."""

from __future__ import annotations

import torch
from torch import Tensor


def cropped(pictures: Tensor, drawn: Tensor, side: int, *, multiple: int = 1) -> Tensor:
    """Square parts of pictures, flipped and turned one of eight ways.

    Parameters
    ----------
    pictures : Tensor
        (n, y, x, ...), square.
    drawn : Tensor
        (n, 3) uniform numbers: place down, place across, way; equal ones give the same part at every size.
    side : int
        Pixels on a side of a part.
    multiple : int
        Parts begin at multiples of so many pixels.

    Returns
    -------
    Tensor
        (n, side, side, ...).
    """
    room = (pictures.shape[1] - side) // multiple + 1
    places = (drawn * drawn.new_tensor([room, room, 8])).long().tolist()
    parts = []
    for picture, (down, across, way) in zip(pictures, places, strict=True):
        top, left = multiple * down, multiple * across
        part = picture[top : top + side, left : left + side]
        flipped = [axis for bit, axis in ((1, 0), (2, 1)) if way & bit]
        part = part.flip(flipped) if flipped else part
        parts.append(part.transpose(0, 1) if way & 4 else part)
    return torch.stack(parts)
