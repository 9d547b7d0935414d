"""Distances between two samples of one quantity, each with a weight a sample where samples have weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Weights = tuple[np.ndarray | None, np.ndarray | None] | None
"""One weight a value, (n,) and (m,); None where each value counts the same."""


def wasserstein_distance(first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
    """1-Wasserstein distance between two one-dimensional samples, in their units.

    The area between the empirical cumulative distributions (Vallender 1974, Theory Probab. Appl. 18, 784).

    Parameters
    ----------
    first, second : numpy.ndarray
        (n,) and (m,) finite values, at least one each.
    weights : tuple of numpy.ndarray, optional
        (n,) and (m,); of positive sum.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if weights is not None and any(side is not None for side in weights):
        everywhere = np.sort(np.concatenate([first, second]), kind="stable")
        below = everywhere[:-1]
        gap = _share(first, weights[0], below) - _share(second, weights[1], below)
        return float((np.abs(gap) * np.diff(everywhere)).sum())
    first, second = np.sort(first), np.sort(second)
    if len(first) == len(second):
        return float(np.abs(first - second).mean())
    everywhere = np.sort(np.concatenate([first, second]), kind="stable")
    below = everywhere[:-1]
    gap = np.searchsorted(first, below, side="right") / len(first)
    gap = gap - np.searchsorted(second, below, side="right") / len(second)
    return float((np.abs(gap) * np.diff(everywhere)).sum())


def kolmogorov_smirnov_distance(first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
    """Largest gap between the empirical cumulative distributions of two one-dimensional samples."""
    gap = _cumulative_gap(first, second, weights)
    return float(np.abs(gap).max())


def kuiper_distance(first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
    """Kuiper's distance D+ + D- between two samples of angles, blind to the choice of zero.

    Kuiper 1960, Proc. Kon. Ned. Akad. Wet. A 63, 38.
    """
    gap = _cumulative_gap(first, second, weights)
    return float(max(gap.max(), 0.0) - min(gap.min(), 0.0))


def difference_of_means(first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
    """``|mean - mean|``, in the values' units; the largest component of values (n, k)."""
    sides = [np.average(side, axis=0, weights=own) for side, own in zip((first, second), _each(weights), strict=True)]
    return float(np.abs(sides[0] - sides[1]).max())


def mean_absolute_error(first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
    """Mean ``|first - second|`` of values that both rows have, weighted by the second's; NaN where there are none."""
    error = np.abs(np.asarray(first, dtype=np.float64) - second)
    known, own = np.isfinite(error), _each(weights)[1]
    if not known.any():
        return float("nan")
    return float(np.average(error[known], weights=None if own is None else own[known]))


@dataclass(frozen=True)
class Worst:
    """The largest distance among the columns of two tables (n, k) and (m, k).

    Attributes
    ----------
    distance : callable
        (first, second) -> float of one column; with ``weights=`` where samples have weights.
    """

    distance: Callable[..., float]

    def __call__(self, first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float:
        """The distance of the worst column."""
        options = {} if weights is None else {"weights": weights}
        return max(self.distance(a, b, **options) for a, b in zip(first.T, second.T, strict=True))


@dataclass(frozen=True)
class Known:
    """A distance of the values that are finite, for quantities that not every sample has.

    Attributes
    ----------
    distance : callable
        (first, second) -> float; with ``weights=`` where samples have weights.
    least : int
        Values that each side needs; None (no figure) where one has fewer.
    in_spreads : bool
        Whether to divide by the second's standard deviation.
    """

    distance: Callable[..., float]
    least: int = 2
    in_spreads: bool = False

    def __call__(self, first: np.ndarray, second: np.ndarray, *, weights: Weights = None) -> float | None:
        """The distance, or None."""
        sides = [np.asarray(side) for side in (first, second)]
        known = [np.isfinite(side) for side in sides]
        values = [side[own] for side, own in zip(sides, known, strict=True)]
        spread = float(values[1].std()) if self.in_spreads and len(values[1]) else 1.0
        if min(len(side) for side in values) < self.least or spread == 0.0:
            return None
        if weights is None:
            return self.distance(*values) / spread
        own = tuple(None if side is None else side[kept] for side, kept in zip(weights, known, strict=True))
        return self.distance(*values, weights=own) / spread


def _each(weights: Weights) -> tuple[np.ndarray | None, np.ndarray | None]:
    return weights if weights is not None else (None, None)


def _share(values: np.ndarray, weights: np.ndarray | None, points: np.ndarray) -> np.ndarray:
    """Share of the weight at or below each point."""
    order = np.argsort(values, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(np.ones(len(values)) if weights is None else weights[order])])
    return total[np.searchsorted(values[order], points, side="right")] / total[-1]


def _cumulative_gap(first: np.ndarray, second: np.ndarray, weights: Weights = None) -> np.ndarray:
    everywhere = np.concatenate([first, second])
    if weights is not None and any(side is not None for side in weights):
        return _share(first, weights[0], everywhere) - _share(second, weights[1], everywhere)
    shares = [np.searchsorted(np.sort(side), everywhere, side="right") / len(side) for side in (first, second)]
    return shares[0] - shares[1]
