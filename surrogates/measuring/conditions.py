"""Conditions of a comparison: figures in bins of one of them, and whether two sides stand at the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import SchemaError
from .resampling import rows

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin


def check_paired(plugin: Plugin, name: str, side: xr.Dataset, truth: xr.Dataset) -> None:
    """Raise ValueError where a plugin has one answer for each condition and a side's rows are not at the truth's."""
    for variable in plugin.conditions.names if not plugin.stochastic else ():
        first, second = side[variable].values, truth[variable].values
        equal_nan = first.dtype.kind == "f" and second.dtype.kind == "f"
        if not np.array_equal(first, second, equal_nan=equal_nan):
            raise SchemaError(
                f"{name}: {variable} differs from the truth's; expected the same conditions row by row, as "
                f"{plugin.name} has one answer for each"
            )


def by_condition(
    plugin: Plugin, samples: xr.Dataset, truth: xr.Dataset, variable: str, edges: Sequence[float], *, least: int = 500
) -> dict[tuple[float, float], dict[str, float]]:
    """Figures in bins [low, high) of a condition; bins with fewer than `least` rows on a side are left out."""
    sides = [(dataset[variable].values, plugin.reduced(dataset)) for dataset in (samples, truth)]
    found = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        chosen = [np.flatnonzero((values >= low) & (values < high)) for values, _ in sides]
        if min(len(index) for index in chosen) >= least:
            parts = [rows(dataset, index) for index, (_, dataset) in zip(chosen, sides, strict=True)]
            found[(float(low), float(high))] = dict(plugin.measure(parts[0], parts[1], None))
    return found
