"""Impostors of any domain: cheap fakes made from the truth, which the measures must fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin


def memoriser(plugin: Plugin, truth: xr.Dataset, seed: int, count: int = 30) -> xr.Dataset:
    """`count` truth samples repeated as the outputs of every row, whatever its conditions."""
    generator = np.random.default_rng([seed, 11])
    n = truth.sizes["sample"]
    known = generator.choice(n, min(count, n), replace=False)
    return _outputs_from(plugin, truth, known[generator.integers(0, len(known), n)])


def wrong_condition(plugin: Plugin, truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The truth's own outputs, dealt to rows with other conditions."""
    return _outputs_from(plugin, truth, np.random.default_rng([seed, 12]).permutation(truth.sizes["sample"]))


def independent_variables(plugin: Plugin, truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Each output variable dealt anew by itself: right marginal distributions and no relation between variables."""
    generator = np.random.default_rng([seed, 13])
    n = truth.sizes["sample"]
    changed = {}
    for name in plugin.outputs.names:
        variable = truth[name]
        changed[name] = variable.copy(data=variable.values[generator.permutation(n)])
    return truth.assign(changed)


def noise(plugin: Plugin, truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Numbers drawn from a Gaussian with each variable's mean and spread; labels and counts dealt anew."""
    generator = np.random.default_rng([seed, 14])
    n = truth.sizes["sample"]
    changed = {}
    for name in plugin.outputs.names:
        variable = truth[name]
        values = variable.values
        if values.dtype.kind == "f":
            drawn = generator.normal(np.nanmean(values, axis=0), np.nanstd(values, axis=0), size=values.shape)
        else:
            drawn = values[generator.permutation(n)]
        changed[name] = variable.copy(data=drawn.astype(values.dtype))
    return truth.assign(changed)


@dataclass(frozen=True)
class ShuffledWithin:
    """The truth's own outputs dealt anew to rows of the same class: right for each class and blind to the rest.

    Attributes
    ----------
    outputs : tuple of str
        Dealt together, so that relations between them stay.
    by : tuple of str
        Labels whose values must agree; none deals to all rows.
    """

    outputs: tuple[str, ...]
    by: tuple[str, ...] = ()

    def __call__(self, truth: xr.Dataset, seed: int) -> xr.Dataset:
        """The fake."""
        generator = np.random.default_rng([seed, 15])
        index = np.arange(truth.sizes["sample"])
        for members in _classes(truth, self.by):
            index[members] = members[generator.permutation(len(members))]
        return _replaced(truth, {name: truth[name].values[index] for name in self.outputs})


@dataclass(frozen=True)
class ClassMean:
    """Every row gets the mean of its class: right on average, and without any spread; labels the nearest code."""

    outputs: tuple[str, ...]
    by: tuple[str, ...] = ()

    def __call__(self, truth: xr.Dataset, seed: int) -> xr.Dataset:
        """The fake; it has no draws."""
        del seed
        values = {name: truth[name].values.copy() for name in self.outputs}
        for members in _classes(truth, self.by):
            for name in self.outputs:
                values[name][members] = _mean(truth[name].values[members])
        return _replaced(truth, values)


@dataclass(frozen=True)
class Regression:
    """The straight line in some conditions that fits each output best, number by number.

    Attributes
    ----------
    outputs, on : tuple of str
        What is predicted, and scalar variables that it is predicted from; missing values of these count as 0.
    """

    outputs: tuple[str, ...]
    on: tuple[str, ...]

    def __call__(self, truth: xr.Dataset, seed: int) -> xr.Dataset:
        """The fake; it has no draws."""
        del seed
        inputs = np.stack([np.nan_to_num(truth[name].values.astype(np.float64)) for name in self.on], axis=1)
        spread = inputs.std(axis=0)
        inputs = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        design = np.concatenate([np.ones((len(inputs), 1)), inputs], axis=1)
        changed = {}
        for name in self.outputs:
            flat = truth[name].values.reshape(len(design), -1).astype(np.float64)
            known = np.isfinite(flat)
            line = np.full(flat.shape, np.nan)
            for column, there in enumerate(known.T):
                if there.any():
                    fit, *_ = np.linalg.lstsq(design[there], flat[there, column], rcond=None)
                    line[there, column] = design[there] @ fit
            changed[name] = line.reshape(truth[name].shape).astype(truth[name].dtype)
        return _replaced(truth, changed)


@dataclass(frozen=True)
class PrincipalGaussian:
    """Outputs drawn from one Gaussian in their leading principal components, within each class.

    Attributes
    ----------
    outputs : tuple of str
        Numbers of any shape, drawn together; what is missing stays missing.
    by : tuple of str
    components : int
        As many as there are samples or numbers at the most.
    bounds : tuple of float
        What is drawn beyond them is cut off.
    """

    outputs: tuple[str, ...]
    by: tuple[str, ...] = ()
    components: int = 50
    bounds: tuple[float, float] = (-np.inf, np.inf)

    def __call__(self, truth: xr.Dataset, seed: int) -> xr.Dataset:
        """The fake."""
        generator = np.random.default_rng([seed, 16])
        flat = [truth[name].values.reshape(truth.sizes["sample"], -1).astype(np.float64) for name in self.outputs]
        scales = [max(float(np.nanstd(side)), 1e-300) for side in flat]
        table = np.concatenate([np.nan_to_num(side) / scale for side, scale in zip(flat, scales, strict=True)], axis=1)
        drawn = table.copy()
        for members in _classes(truth, self.by):
            middle = table[members].mean(axis=0)
            _, sizes, axes = np.linalg.svd(table[members] - middle, full_matrices=False)
            kept = min(self.components, len(sizes))
            spread = sizes[:kept] / np.sqrt(max(len(members) - 1, 1))
            drawn[members] = middle + (generator.standard_normal((len(members), kept)) * spread) @ axes[:kept]
        changed, start = {}, 0
        for name, side, scale in zip(self.outputs, flat, scales, strict=True):
            part = (drawn[:, start : start + side.shape[1]] * scale).clip(*self.bounds)
            changed[name] = np.where(np.isnan(side), np.nan, part).reshape(truth[name].shape).astype(truth[name].dtype)
            start += side.shape[1]
        return _replaced(truth, changed)


@dataclass(frozen=True)
class Blurred:
    """Every image through a Gaussian: right in what is coarse, and without anything fine.

    Attributes
    ----------
    outputs : tuple of str
        Over (sample, y, x), or more axes behind these, which are not blurred.
    pixels : float
        Standard deviation.
    """

    outputs: tuple[str, ...]
    pixels: float

    def __call__(self, truth: xr.Dataset, seed: int) -> xr.Dataset:
        """The fake; it has no draws."""
        from scipy.ndimage import gaussian_filter

        del seed
        changed = {}
        for name in self.outputs:
            values = truth[name].values
            widths = (0.0, self.pixels, self.pixels, *(0.0,) * (values.ndim - 3))
            changed[name] = gaussian_filter(values, widths)
        return _replaced(truth, changed)


def _classes(truth: xr.Dataset, by: tuple[str, ...]) -> list[np.ndarray]:
    """Positions of the rows of each class."""
    n = truth.sizes["sample"]
    if not by or not n:
        return [np.arange(n)]
    _, label = np.unique(np.stack([truth[name].values for name in by], axis=1), axis=0, return_inverse=True)
    order = np.argsort(label.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(label.ravel()[order])) + 1)


def _mean(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "f":
        return np.rint(values.mean(axis=0))
    count = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _replaced(truth: xr.Dataset, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    return truth.assign({name: truth[name].copy(data=array) for name, array in values.items()})


def _outputs_from(plugin: Plugin, truth: xr.Dataset, index: np.ndarray) -> xr.Dataset:
    return truth.assign(
        {name: truth[name].copy(data=truth[name].values[index]) for name in plugin.outputs.names if name in truth}
    )
