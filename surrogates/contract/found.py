"""Schemas found in data: what a plugin leaves open, and what its training data say of it.

Open are the labels of a variable declared with ``categories=()``, the length of an output's dimension that nothing
gives, and whatever a recipe's own `schema` finds, such as the columns of a table. A card keeps what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import SchemaError
from .schema import Schema, Variable, replace_variables

if TYPE_CHECKING:
    import xarray as xr

    from .plugin import Plugin
    from .recipe import Recipe


def with_found_schemas(plugin: Plugin, recipe: Recipe, pools: Sequence[xr.Dataset]) -> Plugin:
    """The plugin with what its training data say of its schemas.

    Parameters
    ----------
    plugin : Plugin
    recipe : Recipe
        Its `schema`, where it has one, has the first word.
    pools : sequence of Dataset
        Training data; labels stand in the CF attribute ``flag_meanings``.

    Raises
    ------
    SchemaError
        Two pools with different labels or lengths, or a variable whose labels no pool names.
    """
    conditions, outputs = (plugin.conditions, plugin.outputs) if recipe.schema is None else recipe.schema(pools)
    if not (open_labels(conditions) or open_labels(outputs) or open_lengths(conditions, outputs)):
        return plugin if recipe.schema is None else plugin.with_schemas(conditions, outputs)
    arrays = [(str(name), array) for pool in pools for name, array in pool.data_vars.items()]
    labels: dict[str, tuple[str, ...]] = {}
    for name, array in arrays:
        if "flag_meanings" in array.attrs:
            _agree(labels, name, tuple(str(array.attrs["flag_meanings"]).split()), "labels")
    shapes = [(name, array.shape[1:]) for name, array in arrays if array.dims[:1] == ("sample",)]
    lengths = _lengths(open_lengths(conditions, outputs), outputs, shapes)
    found = (_labelled(schema, labels) for schema in (conditions, outputs))
    conditions, outputs = found
    sized = tuple(replace(d, size=lengths[d.name]) if d.name in lengths else d for d in outputs.dimensions)
    return plugin.with_schemas(conditions, replace(outputs, dimensions=sized))


def open_labels(schema: Schema) -> tuple[str, ...]:
    """Variables whose labels are found in data."""
    return tuple(variable.name for variable in schema if variable.categories == ())


def open_lengths(conditions: Schema, outputs: Schema) -> tuple[str, ...]:
    """Dimensions of the outputs whose length nothing gives, neither the declaration nor a field that is asked."""
    asked = {name for variable in conditions for name in variable.dims}
    return tuple(
        d.name
        for d in outputs.dimensions
        if d.size is None and d.of is None and d.length is None and d.name not in asked
    )


def variable_of(name: str, array: xr.DataArray, **more: Any) -> Variable:
    """A variable as a Dataset's array describes it: units, name in words, labels, type and axes beside `sample`.

    Parameters
    ----------
    name : str
    array : DataArray
        Its attributes `units`, `long_name` and `flag_meanings` count, as CF has them.
    **more
        Fields of `Variable` that hold whatever the attributes say.
    """
    attrs = array.attrs
    labels = tuple(str(attrs["flag_meanings"]).split()) if "flag_meanings" in attrs else None
    said: dict[str, Any] = {
        "long_name": str(attrs.get("long_name", name.replace("_", " "))),
        "units": str(attrs.get("units", "1")),
        "dims": tuple(str(axis) for axis in array.dims if axis != "sample"),
        "dtype": str(np.dtype(array.dtype)),
        "categories": labels,
    }
    return Variable(name, **{**said, **more})


def _labelled(schema: Schema, labels: Mapping[str, tuple[str, ...]]) -> Schema:
    changed = {}
    for name in open_labels(schema):
        if name not in labels:
            raise SchemaError.about(name, "no training data name its labels", "the attribute flag_meanings")
        changed[name] = replace(schema[name], categories=labels[name])
    return replace_variables(schema, changed)


def _lengths(asked: Sequence[str], outputs: Schema, shapes: Sequence[tuple[str, tuple[int, ...]]]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for name, shape in shapes:
        if name in outputs:
            for axis, length in zip(outputs[name].dims, shape, strict=True):
                if axis in asked:
                    _agree(lengths, axis, int(length), "lengths")
                    outputs.dimension(axis).check(name, int(length))
    return lengths


def _agree(known: dict[str, Any], name: str, value: Any, what: str) -> None:
    if known.setdefault(name, value) != value:
        raise SchemaError.about(name, f"{known[name]} and {value} in the training data", f"equal {what}", value=value)
