"""Floors and errors: how large a figure is between two truths, and how well it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

Figures = dict[str, float]


def rows(dataset: xr.Dataset, index: np.ndarray) -> xr.Dataset:
    """Rows of a Dataset by position along `sample`."""
    return dataset.isel(sample=index)


def pooled(truths: list[xr.Dataset]) -> xr.Dataset:
    """Truth files one after the other along `sample`, with the variables that they share."""
    import xarray as xr

    if len(truths) == 1:
        return truths[0]
    shared = [name for name in truths[0].data_vars if all(name in truth for truth in truths)]
    return xr.concat([truth[shared] for truth in truths], dim="sample", join="override", combine_attrs="drop")


def floor(
    compare: Callable[[xr.Dataset, xr.Dataset], Figures], pool: xr.Dataset, n: int, *, splits: int, seed: int
) -> dict[str, np.ndarray]:
    """Figures between two disjoint random draws of `n` truth samples, `splits` times.

    Parameters
    ----------
    compare : callable
        (samples, truth) -> figures.
    pool : xarray.Dataset
        At least 2 n truth samples.

    Returns
    -------
    dict of numpy.ndarray
        (splits,) values by figure. Their mean is the floor: unlike a single pair of draws it is not a matter of luck.
    """
    generator = np.random.default_rng([seed, 1])
    found = []
    for _ in range(splits):
        order = generator.permutation(pool.sizes["sample"])
        found.append(compare(rows(pool, np.sort(order[:n])), rows(pool, np.sort(order[n : 2 * n]))))
    return _stacked(found)


def paired_floor(
    compare: Callable[[xr.Dataset, xr.Dataset], Figures],
    truth: xr.Dataset,
    others: list[xr.Dataset],
    n: int,
    *,
    splits: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Figures of the same `n` random rows of a second truth and of the first, `splits` times; none without a second.

    Parameters
    ----------
    compare : callable
        (samples, truth) -> figures.
    truth : xarray.Dataset
    others : list of xarray.Dataset
        A second truth at the same conditions row by row, or nothing.
    """
    generator = np.random.default_rng([seed, 1])
    found = []
    for _ in range(splits if others else 0):
        index = np.sort(generator.permutation(truth.sizes["sample"])[:n])
        found.append(compare(rows(others[0], index), rows(truth, index)))
    return _stacked(found)


def errors(
    compare: Callable[[xr.Dataset, xr.Dataset], Figures],
    samples: xr.Dataset,
    truth: xr.Dataset,
    *,
    resamples: int,
    seed: int,
    paired: bool = False,
) -> Figures:
    """Standard deviation of each figure when both sides are drawn again with replacement (Efron 1979, bootstrap).

    The same rows of both sides where they are `paired`.
    """
    generator = np.random.default_rng([seed, 2])
    found = []
    for _ in range(resamples):
        sizes = [side.sizes["sample"] for side in (samples, truth)]
        drawn = [np.sort(generator.integers(0, size, size)) for size in sizes]
        found.append(compare(rows(samples, drawn[0]), rows(truth, drawn[0 if paired else 1])))
    return {name: float(values.std(ddof=1)) for name, values in _stacked(found).items() if len(values) > 1}


def chunks(available: int, n: int, *, seed: int) -> Iterator[np.ndarray]:
    """Disjoint random sets of `n` of the positions 0 .. available - 1, as many as fit."""
    order = np.random.default_rng([seed, 3]).permutation(available)
    for start in range(0, available - n + 1, n):
        yield np.sort(order[start : start + n])


def apart(
    truth: xr.Dataset, second_truth: xr.Dataset | None, n: int, *, seed: int, paired: bool = False
) -> tuple[xr.Dataset, xr.Dataset]:
    """Two disjoint truths of n rows: what impostors are made of and compared with; the same rows where `paired`."""
    order = np.random.default_rng([seed, 7]).permutation(truth.sizes["sample"])
    chosen = rows(truth, np.sort(order[:n]))
    if paired:
        return chosen, chosen
    if second_truth is None or second_truth.sizes["sample"] < n:
        return rows(truth, np.sort(order[n : 2 * n])), chosen
    other = np.random.default_rng([seed, 8]).permutation(second_truth.sizes["sample"])
    return rows(second_truth, np.sort(other[:n])), chosen


def _stacked(found: list[Figures]) -> dict[str, np.ndarray]:
    names = {name for figures in found for name in figures}
    stacked = {name: np.array([figures[name] for figures in found if name in figures]) for name in sorted(names)}
    return {name: values[np.isfinite(values)] for name, values in stacked.items() if np.isfinite(values).any()}
