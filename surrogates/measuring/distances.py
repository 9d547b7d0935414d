"""Distances between two samples of one quantity."""

from __future__ import annotations

import numpy as np


def wasserstein_distance(first: np.ndarray, second: np.ndarray) -> float:
    """1-Wasserstein distance between two one-dimensional samples, in their units.

    The area between the empirical cumulative distributions (Vallender 1974, Theory Probab. Appl. 18, 784).

    Parameters
    ----------
    first, second : numpy.ndarray
        (n,) and (m,) finite values, at least one each.
    """
    first, second = np.sort(np.asarray(first, dtype=np.float64)), np.sort(np.asarray(second, dtype=np.float64))
    if len(first) == len(second):
        return float(np.abs(first - second).mean())
    everywhere = np.sort(np.concatenate([first, second]), kind="stable")
    below = everywhere[:-1]
    gap = np.searchsorted(first, below, side="right") / len(first)
    gap = gap - np.searchsorted(second, below, side="right") / len(second)
    return float((np.abs(gap) * np.diff(everywhere)).sum())


def kolmogorov_smirnov_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Largest gap between the empirical cumulative distributions of two one-dimensional samples."""
    gap = _cumulative_gap(first, second)
    return float(np.abs(gap).max())


def kuiper_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Kuiper's distance D+ + D- between two samples of angles, blind to the choice of zero.

    Kuiper 1960, Proc. Kon. Ned. Akad. Wet. A 63, 38.
    """
    gap = _cumulative_gap(first, second)
    return float(max(gap.max(), 0.0) - min(gap.min(), 0.0))


def _cumulative_gap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    everywhere = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(side), everywhere, side="right") / len(side) for side in (first, second)]
    return shares[0] - shares[1]
