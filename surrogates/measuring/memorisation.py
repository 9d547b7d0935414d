"""Memorisation: whether samples lie closer to the training samples than independent ones do."""

from __future__ import annotations

import numpy as np


def memorisation(
    samples: np.ndarray, training: np.ndarray, held_out: np.ndarray, *, seed: int = 0, queries: int = 2000
) -> float:
    """Excess share of samples whose nearest neighbour is a training sample rather than a held-out one.

    0 for a generator that copies nothing, 0.5 for a copier (the data-copying test of Meehan, Chaudhuri & Dasgupta 2020,
    arXiv:2004.05675, in its simplest form).

    Parameters
    ----------
    samples, training, held_out : numpy.ndarray
        Feature tables (n, k); NaN counts as the feature's mean. Training and held-out rows are cut to equal numbers.
    queries : int
        Samples looked up.
    """
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    generator = np.random.default_rng([seed, 5])
    size = min(len(training), len(held_out), 50_000)
    tables = [samples, training, held_out]
    mean = np.nanmean(held_out, axis=0)
    spread = np.nanstd(held_out, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    drawn = [
        np.nan_to_num((table[generator.permutation(len(table))[:count]] - mean) / spread).astype(np.float32)
        for table, count in zip(tables, (queries, size, size), strict=True)
    ]
    with threadpool_limits(1):
        near = [
            NearestNeighbors(n_neighbors=1, algorithm="brute").fit(table).kneighbors(drawn[0])[0][:, 0]
            for table in drawn[1:]
        ]
    closer = (near[0] < near[1]).mean() + 0.5 * (near[0] == near[1]).mean()
    return float(max(closer - 0.5, 0.0))
