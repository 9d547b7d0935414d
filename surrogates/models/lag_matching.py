"""Lag matching: what a trained generator draws of one step and the next gets the data's correlation, number by number.

A drawn step's news is mixed with the finished step before it: ``y(t) = r y(t - 1) + b (x(t) - s x(t - 1))`` with
``b² = (1 - r²) / (1 - s²)``, where s is the correlation of drawn neighbours in time and r that of the data: a drawn
autoregression of first order becomes one of the data's correlation and of the variance that it was drawn with. Of other
sequences it holds for the first two steps. Distributions are kept as far as sums of steps have them. What is stored is
``a = r - b s`` and b, which give r and s.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOST = 0.995
"""Largest size of a correlation that counts: b stays finite."""

SLIGHT = 1e-6
"""A share of the step before that is none."""


class LagTally(nn.Module):
    """Sums from which the correlation of two steps follows.

    Parameters
    ----------
    shape : tuple of int
        Of one step.
    """

    sums: Tensor
    pairs: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(5, *shape, dtype=torch.float64))
        self.register_buffer("pairs", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def add(self, first: Tensor, second: Tensor) -> None:
        """Count pairs of steps (n, …) that follow one another."""
        one, two = first.double(), second.double()
        self.sums += torch.stack([part.sum(0) for part in (one, two, one * one, two * two, one * two)])
        self.pairs += len(one)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Covariance and variance of both steps together, each of the shape of a step."""
        first, second, square, other, product = self.sums / self.pairs.clamp(min=1.0)
        return product - first * second, 0.5 * (square - first**2 + other - second**2)


class LagMatching(nn.Module):
    """Steps mixed with those before them; each as it was drawn until it is matched.

    Parameters
    ----------
    shape : tuple of int
        Of one step.
    """

    kept: Tensor
    fresh: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(shape))
        self.register_buffer("fresh", torch.ones(shape))

    def match(self, drawn: Tensor, given: Tensor) -> None:
        """Take correlations of drawn steps and of the data's, of the shape of a step."""
        made, true = drawn.clamp(-MOST, MOST), given.clamp(-MOST, MOST)
        fresh = torch.sqrt((1.0 - true**2) / (1.0 - made**2))
        self.fresh.copy_(fresh)
        self.kept.copy_(true - fresh * made)

    def forward(self, before: Tensor, drawn_before: Tensor, drawn: Tensor) -> Tensor:
        """Finished steps (n, …) of the finished ones before them, of those as they were drawn, and of what is drawn."""
        known = 1.0 - self.kept**2 - self.fresh**2  # 2 a b s
        lasting = torch.where(self.kept.abs() > SLIGHT, known / (2.0 * self.kept), torch.zeros_like(self.kept))
        return self.kept * before + self.fresh * drawn + lasting * (before - drawn_before)
