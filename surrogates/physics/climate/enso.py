"""El Nino's index of a map of sea-surface temperature anomalies."""

from __future__ import annotations

import functools

import numpy as np

from .gaussian_grid import T31, GaussianGrid

NINO34 = (-5.0, 5.0, 190.0, 240.0)
"""South, north, west and east bounds of the Nino3.4 region, degrees (Trenberth 1997, BAMS 78, 2771)."""


@functools.lru_cache(maxsize=4)
def nino34_weights(grid: GaussianGrid = T31) -> np.ndarray:
    """Share of each cell in the Nino3.4 mean, (n_latitude, n_longitude); they sum to 1."""
    south, north, west, east = NINO34
    sines = np.sin(np.deg2rad(np.array([south, north])))
    bounds = np.sin(np.deg2rad(grid.latitude_bounds))
    rows = np.clip(np.minimum(bounds[:, 1], sines[1]) - np.maximum(bounds[:, 0], sines[0]), 0.0, None)
    columns = np.clip(
        np.minimum(grid.longitude_bounds[:, 1], east) - np.maximum(grid.longitude_bounds[:, 0], west), 0.0, None
    )
    share = rows[:, None] * columns[None]
    return share / share.sum()


def nino34(anomaly: np.ndarray, grid: GaussianGrid = T31) -> np.ndarray:
    """Nino3.4 index, K, of anomalies (…, latitude, longitude)."""
    return (anomaly * nino34_weights(grid)).sum((-2, -1))
