"""Cheap fakes of records: a Gaussian copula by outcome, and copies of real stays with and without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .variables import BOUNDS, NAMES, OUTPUTS, STATURE

if TYPE_CHECKING:
    import xarray as xr

CODED = (*STATURE, *NAMES)


def copula_by_outcome(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every column's own distribution, gaps as its lowest values, tied by one correlation matrix for each outcome."""
    from scipy.special import ndtr, ndtri

    generator = np.random.default_rng([seed, 41])
    columns = _columns(truth)
    outcome, drawn = truth["outcome"].values, columns.copy()
    for code in np.unique(outcome):
        rows = np.flatnonzero(outcome == code)
        part = np.nan_to_num(columns[rows], nan=-np.inf)
        jitter = generator.random(part.shape)
        order = np.lexsort((jitter.T, part.T), axis=1).T if len(rows) > 1 else np.zeros_like(part, dtype=int)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(len(rows))[:, None], axis=0)
        normal = ndtri((rank + 0.5) / len(rows))
        tied = np.cov(normal, rowvar=False) + 1e-6 * np.eye(part.shape[1])
        u = ndtr(generator.multivariate_normal(np.zeros(part.shape[1]), tied, len(rows), method="eigh"))
        position = np.clip((u * len(rows)).astype(int), 0, len(rows) - 1)
        taken = np.take_along_axis(np.sort(part, axis=0), position, axis=0)
        drawn[rows] = np.where(np.isfinite(taken), taken, np.nan)
    return _filled(truth, drawn)


def bootstrap(training: xr.Dataset, n: int, seed: int) -> xr.Dataset:
    """Stays drawn from the training ones again."""
    index = np.random.default_rng([seed, 42]).integers(0, training.sizes["sample"], n)
    return training.isel(sample=index).assign_coords(sample=np.arange(n))


def noisy_bootstrap(training: xr.Dataset, n: int, seed: int, *, noise: float = 0.15) -> xr.Dataset:
    """Such stays with Gaussian noise of this share of each column's spread on what was measured."""
    copies = bootstrap(training, n, seed)
    columns = _columns(copies)
    spread = np.nan_to_num(np.nanstd(columns, axis=0))
    generator = np.random.default_rng([seed, 43])
    return _filled(copies, columns + noise * spread * generator.standard_normal(columns.shape))


def _columns(data: xr.Dataset) -> np.ndarray:
    return np.concatenate([data[name].values.reshape(data.sizes["sample"], -1) for name in CODED], axis=1)


def _filled(data: xr.Dataset, columns: np.ndarray) -> xr.Dataset:
    changed, start = {}, 0
    for name in CODED:
        width = int(np.prod(data[name].shape[1:], dtype=int))
        values = columns[:, start : start + width].reshape(data[name].shape)
        changed[name] = data[name].copy(data=np.clip(values, *BOUNDS[name]).astype(OUTPUTS[name].dtype))
        start += width
    return data.assign(changed)


IMPOSTORS = {"Gaussian copula by outcome": copula_by_outcome}
"""Those made of the truth alone; copies of training stays pass for truth wherever training stays are not at hand."""
