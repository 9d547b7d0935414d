"""Columns of numbers as levels and places within them: level 0 is "not measured", others are ranges with quantiles.

What lies within a level is drawn from the quantiles that the data show there, so that atoms have levels of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LEVELS = 32
KNOTS = 9


def level_shares() -> Tensor:
    """Cumulative shares at which levels begin, (LEVELS + 1,): finer towards both tails."""
    tail = torch.tensor([0.0, 0.001, 0.004, 0.01, 0.02, 0.035, 0.055], dtype=torch.float64)
    body = torch.linspace(0.08, 0.92, LEVELS + 1 - 2 * len(tail), dtype=torch.float64)
    return torch.cat((tail, body, 1.0 - tail.flip(0)))


class Levels(nn.Module):
    """Edges and quantiles of the levels of columns, fitted.

    Parameters
    ----------
    columns : int
    """

    edges: Tensor
    knots: Tensor
    used: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("edges", torch.zeros(columns, LEVELS + 1, dtype=torch.float64))
        self.register_buffer("knots", torch.zeros(columns, LEVELS, KNOTS, dtype=torch.float64))
        self.register_buffer("used", torch.zeros(columns, dtype=torch.int64))

    def fit_column(self, number: int, values: Tensor) -> None:
        """Set edges and quantiles of a column from its values, (n,) float64 in order and finite."""
        places = (level_shares() * (len(values) - 1)).round().long()
        edges = values[places].unique()
        starts = edges[:-1] if len(edges) > 1 else edges
        self.used[number] = len(starts)
        self.edges[number] = torch.inf
        self.edges[number, : len(starts)] = starts
        level = torch.searchsorted(starts, values, right=True) - 1
        shares = torch.linspace(0.0, 1.0, KNOTS, dtype=torch.float64)
        for k in range(LEVELS):
            within = values[level == min(k, len(starts) - 1)]
            self.knots[number, k] = within[(shares * (len(within) - 1)).round().long()]

    def fit_atoms(self, number: int, atoms: Tensor) -> None:
        """Have a level for each of these values, (k,) in order, and nothing between them."""
        self.used[number] = len(atoms)
        self.edges[number] = torch.inf
        self.edges[number, : len(atoms)] = atoms
        self.knots[number] = atoms[torch.arange(LEVELS).clamp_max(len(atoms) - 1), None]

    def encode_column(self, number: int, values: Tensor) -> tuple[Tensor, Tensor]:
        """Levels, 0 where NaN, and places within them, of any shape."""
        known = values.isfinite()
        edges, knots = self.edges[number], self.knots[number]
        values = torch.where(known, values, edges[0])
        level = (torch.searchsorted(edges, values.contiguous(), right=True) - 1).clamp(0, int(self.used[number]) - 1)
        table = knots[level]
        values = values.clamp(table[..., 0], table[..., -1])
        right = (table <= values[..., None]).sum(dim=-1).clamp(1, KNOTS - 1)
        low, high = (table.gather(-1, index[..., None])[..., 0] for index in (right - 1, right))
        part = torch.where(high > low, (values - low) / (high - low).clamp_min(1e-300), 0.5)
        place = ((right - 1) + part) / (KNOTS - 1)
        return torch.where(known, level + 1, 0), torch.where(known, place, 0.5).float()

    def decode_column(self, number: int, level: Tensor, place: Tensor) -> Tensor:
        """Values in float64 of levels and places; of level 0, some value."""
        at = place.double().clamp(0.0, 1.0) * (KNOTS - 1)
        left = at.floor().clamp_max(KNOTS - 2).long()
        table = self.knots[number].flatten()
        index = (level - 1).clamp_min(0) * KNOTS + left
        low, high = table[index], table[index + 1]
        return low + (high - low) * (at - left)
