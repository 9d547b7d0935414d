"""Quantile mapping: what a trained generator draws in each cell is given the distribution of the data there.

A monotone map for every cell and season leaves the order of values, and so the pattern of a field, as it was drawn
(Panofsky, Brier 1968, "Some applications of statistics to meteorology"; Maraun 2013, J. Climate 26, 2137, says what it
cannot mend). Tallies of drawn and given values are kept in bins, so that they stop and go on with the training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

KNOTS = (0.003, 0.02, 0.05, *(k / 20.0 for k in range(2, 19)), 0.95, 0.975, 0.99, 0.997)
"""Probabilities at which the distributions are matched; beyond them values are shifted as the outermost one is."""


class Tally(nn.Module):
    """Counts of values in even bins, for every season and cell.

    Parameters
    ----------
    seasons, cells : int
    low, high : float
        Outermost values; what is beyond counts in the outermost bins.
    bins : int
    """

    counts: Tensor

    def __init__(self, seasons: int, cells: int, low: float, high: float, bins: int = 160) -> None:
        super().__init__()
        self.low, self.step = low, (high - low) / bins
        self.register_buffer("counts", torch.zeros(seasons, bins, cells))

    @torch.no_grad()
    def add(self, values: Tensor, season: Tensor) -> None:
        """Count values (n, cells) of seasons (n,) int64."""
        place = ((values - self.low) / self.step).floor().long().clamp(0, self.counts.shape[1] - 1)
        one = torch.ones_like(values)
        for row, which in enumerate(season.tolist()):
            self.counts[which].scatter_add_(0, place[row][None], one[row][None])

    def quantiles(self) -> Tensor:
        """(season, knots, cells), linear within the bins."""
        total = self.counts.sum(1, keepdim=True).clamp(min=1.0)
        below = torch.cumsum(self.counts, 1) / total
        found = []
        for probability in KNOTS:
            upper = (below < probability).sum(1).clamp(max=self.counts.shape[1] - 1)
            reached = below.gather(1, upper[:, None])[:, 0]
            inside = (self.counts / total).gather(1, upper[:, None])[:, 0]
            share = 1.0 - (reached - probability) / inside.clamp(min=1e-9)
            found.append(self.low + self.step * (upper + share.clamp(0.0, 1.0)))
        return torch.stack(found, 1)


class QuantileMapping(nn.Module):
    """Maps values from one distribution to another, cell by cell, between seasons linearly.

    Parameters
    ----------
    seasons, cells : int
    """

    drawn: Tensor
    given: Tensor

    def __init__(self, seasons: int, cells: int) -> None:
        super().__init__()
        even = torch.linspace(-1.0, 1.0, len(KNOTS))[None, :, None].repeat(seasons, 1, cells)
        self.register_buffer("drawn", even.half())
        self.register_buffer("given", even.half().clone())

    def match(self, drawn: Tensor, given: Tensor) -> None:
        """Take quantiles (season, knots, cells) of what is drawn and of what the data hold."""
        self.drawn = drawn.to(self.drawn)
        self.given = given.to(self.given)

    def forward(self, values: Tensor, weights: Tensor) -> Tensor:
        """Values (n, cells) mapped by the seasons' maps, weighed by `weights` (n, season)."""
        made = torch.zeros_like(values)
        for season in range(self.drawn.shape[0]):
            rows = weights[:, season] > 0.0
            if bool(rows.any()):
                mapped = self._mapped(values[rows], self.drawn[season].float(), self.given[season].float())
                made[rows] += weights[rows, season, None].to(values.dtype) * mapped
        return made

    @staticmethod
    def _mapped(values: Tensor, drawn: Tensor, given: Tensor) -> Tensor:
        drawn = drawn + 1e-6 * torch.arange(len(drawn), device=drawn.device)[:, None]  # strictly ascending
        place = torch.searchsorted(drawn.T.contiguous(), values.T.contiguous()).clamp(1, len(drawn) - 1).T
        low, high = drawn.gather(0, place - 1), drawn.gather(0, place)
        first, last = given.gather(0, place - 1), given.gather(0, place)
        inner = first + (last - first) * ((values - low) / (high - low)).clamp(0.0, 1.0)
        beyond = (values - drawn[-1]).clamp(min=0.0) + (values - drawn[0]).clamp(max=0.0)
        return inner + beyond
