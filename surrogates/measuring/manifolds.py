"""How two clouds of points cover each other, by balls around each point that reach its k-th neighbour.

Precision and recall: Kynkäänniemi et al. 2019, arXiv:1904.06991; density and coverage: Naeem et al. 2020,
arXiv:2002.09797. Two clouds of one distribution have a density of 1 and a coverage of 1 - 2**-k on average (ibid.,
lemma 1).
"""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 5


def _squared(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    square = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2.0 * first @ second.T
    return np.maximum(square, 0.0)


def _reach(points: np.ndarray, k: int) -> np.ndarray:
    return np.partition(_squared(points, points), min(k, len(points) - 1), axis=1)[:, min(k, len(points) - 1)]


def cloud_shares(samples: np.ndarray, truth: np.ndarray, *, neighbours: int = NEIGHBOURS) -> dict[str, float]:
    """Precision, recall, density and coverage of samples (n, d) and truth (m, d), scaled to order one."""
    apart = _squared(samples, truth)
    near_truth = apart <= _reach(truth, neighbours)[None, :]
    near_samples = apart <= _reach(samples, neighbours)[:, None]
    return {
        "precision": float(near_truth.any(axis=1).mean()),
        "recall": float(near_samples.any(axis=0).mean()),
        "density": float(near_truth.sum(axis=1).mean() / neighbours),
        "coverage": float(near_truth.any(axis=0).mean()),
    }


def frechet_distance(samples: np.ndarray, truth: np.ndarray) -> float:
    """Squared Fréchet distance of two Gaussians with the clouds' means and covariances (Dowson, Landau 1982).

    |m - n|^2 + tr(S + T - 2 (S^1/2 T S^1/2)^1/2), of points (n, d) and (m, d).
    """
    means = [side.mean(axis=0) for side in (samples, truth)]
    spreads = [np.atleast_2d(np.cov(side, rowvar=False)) for side in (samples, truth)]
    sizes, axes = np.linalg.eigh(spreads[0])
    root = (axes * np.sqrt(np.maximum(sizes, 0.0))) @ axes.T
    middle = np.linalg.eigvalsh(root @ spreads[1] @ root)
    trace = np.trace(spreads[0]) + np.trace(spreads[1]) - 2.0 * np.sqrt(np.maximum(middle, 0.0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + max(trace, 0.0))
