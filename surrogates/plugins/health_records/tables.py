"""Records as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .variables import NAMES

if TYPE_CHECKING:
    import xarray as xr


def table(data: xr.Dataset) -> np.ndarray:
    """Cells of stays, (n, bin, sign) float64 in the order of `NAMES`, NaN where not measured."""
    return np.stack([np.asarray(data[name].values, dtype=np.float64) for name in NAMES], axis=-1)


def flat(data: xr.Dataset) -> np.ndarray:
    """One row a stay: age, sex, height, weight, outcome and every cell, (n, 197)."""
    about = [np.asarray(data[name].values, np.float64) for name in ("age", "sex", "height", "body_weight", "outcome")]
    return np.concatenate([np.stack(about, axis=1), table(data).reshape(len(about[0]), -1)], axis=1)


def summaries(data: xr.Dataset) -> np.ndarray:
    """What a score of severity looks at: age, sex, each sign's least, greatest, mean and last value, its count."""
    about = np.stack([np.asarray(data[name].values, dtype=np.float64) for name in ("age", "sex")], axis=1)
    return np.concatenate([about, summaries_of(table(data))], axis=1)


def summaries_of(cells: np.ndarray) -> np.ndarray:
    """Least, greatest, mean and last value of each sign and its count, (n, 5 signs), of cells (n, bin, sign)."""
    there = np.isfinite(cells)
    count = there.sum(axis=1)
    known = count > 0
    least = np.where(there, cells, np.inf).min(axis=1)
    greatest = np.where(there, cells, -np.inf).max(axis=1)
    mean = np.where(there, cells, 0.0).sum(axis=1) / np.maximum(count, 1)
    last = cells.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    final = np.take_along_axis(cells, last[:, None, :], axis=1)[:, 0]
    parts = [np.where(known, part, np.nan) for part in (least, greatest, mean, final)]
    return np.concatenate([*parts, count], axis=1)
