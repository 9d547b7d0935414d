"""Event weights: the variable `weight` over (sample), and one further variable for each named weight.

A named weight is a variable `weight_NAME` whose attribute `weight_name` is the name as its file has it; every format
that holds variables over (sample) so holds weights, and event formats write them where their readers look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from .blocks import SAMPLE
from .description import Description, VariableDescription

if TYPE_CHECKING:
    import xarray as xr

WEIGHT = "weight"
NAME = "weight_name"
CROSS_SECTION, CROSS_SECTION_ERROR = "cross_section", "cross_section_error"
"""Variables over (sample), in pb."""

CrossSection = Callable[["xr.Dataset"], tuple[np.ndarray, np.ndarray]]


def cross_sections(block: xr.Dataset, known: CrossSection | None) -> list[tuple[float, float]]:
    """Value and error in pb for each event: the block's own variables, else what `known` says, else NaN."""
    if CROSS_SECTION in block:
        value = block[CROSS_SECTION].values.astype(float)
        error = block[CROSS_SECTION_ERROR].values.astype(float) if CROSS_SECTION_ERROR in block else 0 * value
    elif known is not None:
        value, error = known(block)
    else:
        value = error = np.full(block.sizes[SAMPLE], np.nan)
    return list(zip(value.tolist(), error.tolist(), strict=True))


def named_weights(dataset: xr.Dataset) -> dict[str, str]:
    """Variable -> name of each named weight of a Dataset, in order."""
    return {
        str(variable): str(array.attrs[NAME])
        for variable, array in dataset.variables.items()
        if array.dims == (SAMPLE,) and NAME in array.attrs
    }


def weight_table(block: xr.Dataset, named: Iterable[str]) -> np.ndarray:
    """Return (n, 1 + named) weights of a block: its `weight`, 1 where it has none, then the named variables'."""
    n = block.sizes[SAMPLE]
    first = block[WEIGHT].values.astype(float) if WEIGHT in block else np.ones(n)
    return np.column_stack([first, *(block[name].values.astype(float) for name in named)])


def variables_named(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Variable -> name for weights called `names`, none of them a variable in `taken`."""
    found: dict[str, str] = {}
    for name in names:
        variable = base = f"{WEIGHT}_{re.sub(r'[^A-Za-z0-9_]+', '_', name).strip('_') or 'unnamed'}"
        again = 2
        while variable in found or variable in set(taken):
            variable, again = f"{base}_{again}", again + 1
        found[variable] = name
    return found


def with_weights(description: Description, named: dict[str, str], *, cross_section: bool = False) -> Description:
    """Return the description with `weight`, the named weights and perhaps a cross-section added."""
    attrs = {WEIGHT: {"units": "1", "long_name": "event weight"}}
    attrs |= {
        variable: {"units": "1", "long_name": f"event weight {name}", NAME: name} for variable, name in named.items()
    }
    if cross_section:
        attrs[CROSS_SECTION] = {"units": "pb", "long_name": "cross-section of the process"}
        attrs[CROSS_SECTION_ERROR] = {"units": "pb", "long_name": "standard error of the cross-section"}
    added = {name: VariableDescription((SAMPLE,), np.dtype("f8"), entry) for name, entry in attrs.items()}
    variables = {**description.variables, **{k: v for k, v in added.items() if k not in description.variables}}
    return Description(description.sizes, variables, description.attrs, description.counts)
