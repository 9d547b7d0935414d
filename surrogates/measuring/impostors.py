"""Impostors of any domain: cheap fakes made from the truth, which the measures must fail."""

from __future__ import annotations

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


def _outputs_from(plugin: Plugin, truth: xr.Dataset, index: np.ndarray) -> xr.Dataset:
    return truth.assign(
        {name: truth[name].copy(data=truth[name].values[index]) for name in plugin.outputs.names if name in truth}
    )
