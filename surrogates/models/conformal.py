"""Split conformal prediction: intervals that cover a stated share of held-out data, whatever the model's own scale.

A predicted value and scale give each held-out case a score, the size of the residual in units of the scale; the
score's quantile is the factor by which the scale becomes the half-width of an interval (Papadopoulos et al. 2002,
"Inductive confidence machines for regression"; Lei et al. 2018, arXiv:1604.04173, section 5.2). Cases and new data that
are exchangeable are covered with probability >= the asked one, and <= that + 1 / (n + 1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

EMPTY = -1.0


class ConformalFactors(nn.Module):
    """Factors from predicted scale to half-width of an interval, one a variable.

    Parameters
    ----------
    variables : int
    coverage : float
        Share of cases that an interval should hold.

    Attributes
    ----------
    factors : Tensor
        (variables,); infinite until `calibrate`: an interval that nothing calibrated holds everything.
    """

    factors: Tensor

    def __init__(self, variables: int, coverage: float) -> None:
        super().__init__()
        if not 0.0 < coverage < 1.0:
            raise ValueError(f"coverage: {coverage}; expected above 0 and below 1")
        self.coverage = coverage
        self.register_buffer("factors", torch.full((variables,), torch.inf))

    @torch.no_grad()
    def calibrate(self, scores: Tensor) -> None:
        """Take the quantiles of scores (n, variables); a missing one is NaN or negative.

        The quantile is the k-th smallest of n scores, k = ceil((n + 1) coverage); infinite where k > n.
        """
        for place in range(len(self.factors)):
            found = scores[:, place][scores[:, place] >= 0.0].sort().values
            rank = math.ceil((len(found) + 1) * self.coverage)
            self.factors[place] = found[rank - 1] if rank <= len(found) else torch.inf

    def forward(self, scale: Tensor) -> Tensor:
        """Half-widths of the intervals of predictions with scales (n, variables)."""
        return scale * self.factors


class Scores(nn.Module):
    """What a calibration phase has seen so far, kept in a checkpoint so that a killed run goes on.

    Parameters
    ----------
    capacity, variables : int
    """

    kept: Tensor

    def __init__(self, capacity: int, variables: int) -> None:
        super().__init__()
        self.register_buffer("kept", torch.full((capacity, variables), EMPTY))

    @torch.no_grad()
    def keep(self, step: int, scores: Tensor) -> Tensor:
        """Keep the scores (n, variables) of batch number `step`; all kept ones, (capacity, variables)."""
        start = step * len(scores) % len(self.kept)
        length = min(len(scores), len(self.kept) - start)
        self.kept[start : start + length] = torch.nan_to_num(scores[:length], nan=EMPTY)
        return self.kept
