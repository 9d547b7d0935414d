"""Holes in pictures, (n, y, x) of 1 where a picture is unknown: strokes drawn by hand, and rectangles in the middle."""

from __future__ import annotations

import math

import torch
from torch import Tensor

STROKES, BENDS = 3, 4
"""Strokes of a free-form hole, and straight pieces of each."""

DRAWS = STROKES * (3 + 2 * BENDS)
"""Uniform numbers that a free-form hole is made of."""


def free_form(drawn: Tensor, side: int) -> Tensor:
    """Holes of broad strokes that bend, as in Yu et al. 2019, arXiv:1806.03589, algorithm 1.

    Parameters
    ----------
    drawn : Tensor
        (n, DRAWS) uniform numbers.
    side : int
        Pixels on a side.

    Returns
    -------
    Tensor
        (n, side, side) float32, 0 or 1; a twentieth to a half of the picture, most often a fifth.
    """
    parts = drawn.float().unflatten(1, (STROKES, 3 + 2 * BENDS))
    width = side * (0.04 + 0.05 * parts[..., 0])
    turns = math.pi * (1.5 * (parts[..., 3 : 3 + BENDS] - 0.5)).cumsum(dim=-1)
    turns = turns + 2 * math.pi * parts[..., :1]
    lengths = side * (0.08 + 0.22 * parts[..., 3 + BENDS :])
    steps = torch.stack((lengths * torch.cos(turns), lengths * torch.sin(turns)), dim=-1)
    begin = side * parts[..., 1:3]
    knots = torch.cat((begin[..., None, :], begin[..., None, :] + steps.cumsum(dim=-2)), dim=-2)
    knots = _reflected(knots, float(side - 1))
    return _near(knots, width, side)


def _reflected(places: Tensor, most: float) -> Tensor:
    """Places mirrored at 0 and `most` until they lie between."""
    folded = torch.remainder(places, 2 * most)
    return torch.where(folded > most, 2 * most - folded, folded)


def _near(knots: Tensor, width: Tensor, side: int) -> Tensor:
    """Pixels within `width` (n, strokes) of the lines through knots (n, strokes, knots, 2)."""
    axis = torch.arange(side, dtype=torch.float32, device=knots.device)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).flatten(0, 1)
    begin, step = knots[..., :-1, :], knots[..., 1:, :] - knots[..., :-1, :]
    begin, step = begin.flatten(1, 2), step.flatten(1, 2)
    reach = width.repeat_interleave(knots.shape[2] - 1, dim=1)
    inside = torch.zeros((len(knots), len(grid)), dtype=torch.bool, device=knots.device)
    for piece in range(begin.shape[1]):
        away = grid[None] - begin[:, piece, None]
        line = step[:, piece, None]
        along = ((away * line).sum(-1) / line.square().sum(-1).clamp_min(1e-6)).clamp(0.0, 1.0)
        inside |= (away - along[..., None] * line).square().sum(-1) <= reach[:, piece, None].square()
    return inside.reshape(len(knots), side, side).float()


def centre(drawn: Tensor, side: int) -> Tensor:
    """Holes of a rectangle near the middle, a quarter to a half of each side.

    Parameters
    ----------
    drawn : Tensor
        (n, 4) uniform numbers.
    side : int

    Returns
    -------
    Tensor
        (n, side, side) float32, 0 or 1.
    """
    axis = torch.arange(side, dtype=torch.float32, device=drawn.device) + 0.5
    half = side * (0.125 + 0.125 * drawn[:, :2].float())
    middle = side * (0.5 + 0.1 * (drawn[:, 2:4].float() - 0.5))
    inside = (axis - middle[..., None]).abs() <= half[..., None]
    return (inside[:, 0, :, None] & inside[:, 1, None, :]).float()


def holes(drawn: Tensor, side: int) -> Tensor:
    """Free-form holes, and in every third row one in the middle.

    Parameters
    ----------
    drawn : Tensor
        (n, 1 + DRAWS) uniform numbers; the first says which.
    side : int
    """
    middle = centre(drawn[:, 1:5], side)
    return torch.where((drawn[:, 0] < 1 / 3)[:, None, None], middle, free_form(drawn[:, 1:], side))
