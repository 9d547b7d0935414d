"""Request: what a user asked of a simulator, converted once and cut into blocks of conditions at constant memory."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.deferred import deferred
from ..contract.errors import SchemaError
from ..contract.schema import Limit, Schema, Variable, nearest, one_length, texts
from .tables import rows_of

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

_LEAST, _MOST = -(2**63), 2**63 - 1  # what an identity and a seed can be: both stand in files as int64
_BESIDE = ("source",)


@dataclass(frozen=True, eq=False)
class Request:
    """Conditions of `n` samples in schema units.

    Attributes
    ----------
    schema : Schema
    n : int
    first : int
        Identity of the first sample of a numbered request.
    rows : xarray.Dataset, optional
        Conditions given as rows, in schema units, with their own identities.
    values : mapping
        Conditions given by name: one value for all samples, or one a sample.
    """

    schema: Schema
    n: int
    first: int = 0
    rows: xr.Dataset | None = None
    values: Mapping[str, np.ndarray] | None = None

    def blocks(self, size: int) -> Iterator[xr.Dataset]:
        """Conditions of at most `size` samples at a time; one empty block where nothing was asked.

        Blocks of a numbered request end at multiples of `size`, so that batches and shards align.
        """
        start = 0
        while True:
            offset = (self.first + start) % size if self.rows is None else 0
            stop = min(self.n, start + size - offset)
            yield self._block(start, stop)
            start = stop
            if start >= self.n:
                return

    def whole(self) -> xr.Dataset:
        """Conditions of all samples."""
        return self._block(0, self.n)

    def check(self, *, bounded: bool = True) -> None:
        """Raise SchemaError for the first value that is not finite, or out of range where `bounded`."""
        given = self.values or {}
        for variable in self.schema:
            values = self.rows.variables[variable.name].values if self.rows is not None else given[variable.name]
            (variable if bounded else replace(variable, bounds=None)).check(values)

    def refuse(self, names: Iterable[str], why: str) -> None:
        """Raise SchemaError for the first value asked of the conditions `names`."""
        for name in names:
            asked = self.asked(name)
            if asked.size:
                shown = asked.flat[0]
                text = f"{name}: {shown if self.schema[name].text else format(shown, 'g')} asked; {why}"
                raise SchemaError(text, variable=name, value=shown, expected=why)

    def asked(self, name: str) -> np.ndarray:
        """Values of a condition, those left out that were not asked; text between quotation marks."""
        values = np.asarray(self.rows.variables[name].values if self.rows is not None else (self.values or {})[name])
        if self.schema[name].text:
            return np.array([repr(str(text)) for text in np.atleast_1d(texts(values)) if str(text)])
        if not self.schema[name].optional:
            return np.atleast_1d(values)
        missing = self.schema[name].missing
        return values[~np.isnan(values)] if np.isnan(missing) else values[values != missing]

    def _block(self, start: int, stop: int) -> xr.Dataset:
        if self.rows is not None:
            return self.rows if (start, stop) == (0, self.n) else self.rows.isel(sample=slice(start, stop))
        arrays = {}
        for name, array in (self.values or {}).items():
            shared = array.ndim == len(self.schema[name].dims)
            arrays[name] = np.full((stop - start, *array.shape), array) if shared else array[start:stop].copy()
        return self.schema.dataset(arrays, self.first + start + np.arange(stop - start, dtype=np.int64))


def ask(
    schema: Schema,
    n_or_conditions: Any,
    values: Mapping[str, Any],
    *,
    first: int = 0,
    outputs: Schema | None = None,
) -> Request:
    """Convert what a user passed, once; `Request.check` checks the ranges.

    Parameters
    ----------
    schema : Schema
        Conditions.
    n_or_conditions : int, xarray.Dataset, DataFrame or mapping
        A number of samples, or rows of conditions along `sample`; see `rows_of`.
    values : mapping
        Conditions by name: numbers, text with units, Quantities, labels, fields (arrays, DataArrays or Datasets), or
        arrays of n of any of them.
    first : int
        Identity of the first sample.
    outputs : Schema, optional
        Whose lengths some conditions may be.

    Raises
    ------
    SchemaError
        Unknown, missing, ill-shaped or unreadable conditions; negative n; identities that are no integers; several
        lengths in one call.
    """
    n_or_conditions = rows_of(schema, n_or_conditions)
    by_rows = hasattr(n_or_conditions, "data_vars")
    if by_rows:
        request = _ask_rows(schema, n_or_conditions, values, first, outputs)
    else:
        request = _ask_number(schema, n_or_conditions, values, first)
    for dimension in outputs.dimensions if outputs is not None else ():
        if dimension.length is not None:
            asked = request.asked(dimension.length)
            if len(asked):
                one_length(dimension, asked)
    return request


def _ask_number(schema: Schema, n_or_conditions: Any, values: Mapping[str, Any], first: int) -> Request:
    n = n_or_conditions
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        shown = f"a {type(n).__name__}" if hasattr(n, "__len__") and not isinstance(n, str) else repr(n)
        expected = (
            "an integer, 0 or more, or a Dataset, DataFrame or dict of conditions; give single conditions by name"
        )
        raise SchemaError.about("n", f"{shown} is not a number of samples", expected, value=n)
    if isinstance(first, bool) or not isinstance(first, (int, np.integer)):
        raise SchemaError.about("first", f"{first!r} is not the identity of a sample", "an integer", value=first)
    if n and not (_LEAST <= first and first + int(n) - 1 <= _MOST):
        found = f"samples {first} to {first + int(n) - 1} have no identity"
        raise SchemaError.about("first", found, f"identities from {_LEAST} to {_MOST}", value=first)
    arrays = _converted(schema, int(n), values)
    for name, given in values.items():
        if schema[name].optional and arrays[name].ndim == 0 and np.isnan(arrays[name]) and str(given).strip():
            expected = f"{schema[name].describe_range()}, or leave it out"
            raise SchemaError.about(name, f"{given} is not finite", expected, value=given)
    return Request(schema, int(n), first=int(first), values=arrays)


def _ask_rows(
    schema: Schema, rows: xr.Dataset, values: Mapping[str, Any], first: int, outputs: Schema | None
) -> Request:
    if values:
        raise SchemaError(f"{next(iter(values))}: give conditions as a Dataset or by name, not both")
    if first:
        raise SchemaError(
            f"first: {first} given with a Dataset of conditions, whose `sample` coordinate identifies them"
        )
    if "sample" not in rows.dims:
        raise SchemaError.about("conditions", "the Dataset has no `sample` dimension", "one row a sample", value=rows)
    n = int(rows.sizes["sample"])
    samples = rows["sample"].values if "sample" in rows.coords else np.arange(n)
    if samples.dtype.kind not in "iu":
        raise SchemaError.about("sample", f"identities of type {samples.dtype}", "integers", value=samples)
    samples = check_identities(samples)
    refuse_misspelt(schema, rows, outputs)
    given = {
        name: rows[name] if schema[name].dims else rows.variables[name]
        for name in schema.names
        if name in rows.variables
    }
    arrays = _converted(
        schema, n, given
    )  # a field keeps its coordinates, by which it is brought onto the schema's grid
    whole = {
        name: np.full((n, *array.shape), array) if array.ndim == len(schema[name].dims) else array
        for name, array in arrays.items()
    }
    return Request(schema, n, rows=schema.dataset(whole, samples))


def check_identities(samples: np.ndarray) -> np.ndarray:
    """Identities as int64; raises SchemaError where one does not fit, and would become another sample's."""
    if samples.dtype.kind == "u" and samples.size and int(samples.max()) > _MOST:
        found = f"identity {samples.max()} in row {int(samples.argmax())}"
        raise SchemaError.about("sample", found, f"identities up to {_MOST}", value=int(samples.max()))
    return samples.astype(np.int64)


def refuse_misspelt(schema: Schema, rows: xr.Dataset, outputs: Schema | None = None) -> None:
    """Refuse a variable that would be passed over in silence: anything unknown in rows that hold conditions alone,
    and beside outputs what is spelt nearly as a condition that is missing."""
    known = {*schema.names, *(outputs.names if outputs is not None else ()), *_BESIDE}
    unknown = [str(name) for name in rows.data_vars if name not in known]
    missing = [name for name in schema.names if name not in rows.variables]
    alone = outputs is not None and not any(name in rows for name in outputs.names)
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), [other.lower() for other in missing], n=1, cutoff=0.75)
        if alone or close:
            expected = ", ".join(schema.names) or "no conditions"
            raise SchemaError.about(name, "unknown condition", expected, hint=nearest(name, missing or schema.names))


def _converted(schema: Schema, n: int, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays in schema units: one value for all samples, or one a sample; defaults and missing ones filled in."""
    unknown = [name for name in values if name not in schema]
    if unknown:
        known = ", ".join(schema.names) or "no conditions"
        raise SchemaError.about(unknown[0], "unknown condition", known, hint=nearest(unknown[0], schema.names))
    arrays = {
        variable.name: _array(schema, variable, n, given)
        for variable in schema
        if (given := values.get(variable.name, variable.default)) is not None
    }
    sizes = _sizes(schema, arrays)
    for variable in schema:
        if variable.name in arrays:
            continue
        if not variable.optional:
            raise SchemaError.about(variable.name, "missing condition", variable.describe_range())
        arrays[variable.name] = variable.convert(
            np.full([sizes.get(name, 1) for name in variable.dims], variable.missing)
        )
    return {name: arrays[name] for name in schema.names}


def _array(schema: Schema, variable: Variable, n: int, given: Any) -> np.ndarray:
    """One condition in schema units: one value for all samples, or one a sample."""
    if variable.brought:
        array = variable.convert(deferred(variable.brought)(_single(variable, given)))
    else:
        array = variable.convert(_arranged(variable, given))
    if variable.text:
        array = _padded(variable, array, schema.dimension(variable.dims[-1]).size)
    trailing = len(variable.dims)
    if array.ndim != trailing and (array.ndim != trailing + 1 or array.shape[0] != n):
        along = f" over ({', '.join(variable.dims)})" if variable.dims else ""
        raise SchemaError.about(
            variable.name,
            f"shape {array.shape} does not fit {n} samples",
            f"({n}, …) or one value{along}",
            value=array.shape,
        )
    return array


def _arranged(variable: Variable, given: Any) -> Any:
    """A field out of a Dataset, its named axes in the schema's order, further axes of length 1 gone."""
    given = _single(variable, given)
    if (
        not variable.dims
        or not hasattr(given, "transpose")
        or not set(variable.dims) <= set(getattr(given, "dims", ()))
    ):
        return given
    given = given.squeeze([name for name in given.dims if name not in variable.dims and given.sizes[name] == 1])
    return given.transpose(..., *variable.dims)


def _single(variable: Variable, given: Any) -> Any:
    """The array that is meant, where a whole Dataset is given."""
    return chosen_field(variable, given) if hasattr(given, "data_vars") else given


def chosen_field(variable: Variable, dataset: xr.Dataset) -> xr.DataArray:
    """The array of `dataset` that is meant by `variable`: the one of its name, or the only one that could be it.

    Raises
    ------
    SchemaError
        None, or several.
    """
    if variable.name in dataset:
        return dataset[variable.name]
    fitting = [name for name, array in dataset.data_vars.items() if set(variable.dims) <= set(array.dims)]
    fitting = fitting or [name for name, array in dataset.data_vars.items() if array.ndim == len(variable.dims)]
    if variable.brought:
        fitting = fitting or [name for name, array in dataset.data_vars.items() if array.ndim > len(variable.dims)]
    if len(fitting) != 1:
        there = ", ".join(f"{name} over ({', '.join(map(str, dataset[name].dims))})" for name in dataset.data_vars)
        raise SchemaError.about(
            variable.name,
            f"not among {there or 'no variables'}",
            f"one variable over ({', '.join(variable.dims)}), or one of that name",
            value=there or "no variables",
        )
    return dataset[fitting[0]]


def _sizes(schema: Schema, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Length of every dimension of the conditions that is known; raises SchemaError where two fields disagree."""
    sizes = {dimension.name: dimension.size for dimension in schema.dimensions if dimension.size is not None}
    of_conditions = {d.name: d for d in schema.dimensions if d.length is not None and d.length in arrays}
    sizes |= {name: d.scale * one_length(d, arrays[d.length]) for name, d in of_conditions.items() if d.length}
    first = dict.fromkeys(sizes, "the schema") | {name: str(d.length) for name, d in of_conditions.items()}
    for name, array in arrays.items():
        dims = schema[name].dims
        for axis, found in zip(dims, array.shape[array.ndim - len(dims) :], strict=True):
            schema.dimension(axis).check(name, found)
            if sizes.setdefault(axis, found) != found:
                raise SchemaError.about(
                    name, f"{found} along {axis}", f"{sizes[axis]}, as {first[axis]} says", value=found
                )
            first.setdefault(axis, name)
    for dimension in schema.dimensions:
        if dimension.of is None or dimension.of not in sizes:
            continue
        expected = sizes[dimension.of] * dimension.scale
        found = sizes.setdefault(dimension.name, expected)
        if found != expected:
            raise SchemaError.about(
                first[dimension.name],
                f"{found} along {dimension.name}",
                f"{expected}, {dimension.scale} times {dimension.of}",
                value=found,
            )
    return sizes


def _padded(variable: Variable, codes: np.ndarray, size: int | None) -> np.ndarray:
    """Text as codes of `size` characters, padded with 0; raises SchemaError for longer text."""
    length = codes.shape[-1]
    if size is None or length == size:
        return codes
    if length > size:
        long = codes[..., size:].any(axis=-1)
        if long.any():
            text = str(texts(codes[long])[0] if codes.ndim > 1 else texts(codes))
            found = f"{text!r} has {len(text)} characters"
            raise SchemaError.about(variable.name, found, f"at most {size}", value=text)
        return codes[..., :size]
    return np.concatenate((codes, np.zeros((*codes.shape[:-1], size - length), codes.dtype)), axis=-1)


def condition_dataset(
    schema: Schema,
    conditions: xr.Dataset | None = None,
    *,
    n: int | None = None,
    first: int = 0,
    check: bool = True,
    **values: Any,
) -> xr.Dataset:
    """Every condition of `schema` along `sample`, in schema units, from rows or by name; see `ask`.

    Parameters
    ----------
    conditions : xarray.Dataset, optional
        Rows of conditions; other variables in it are ignored.
    n, first : int
        Number of samples and identity of the first, where conditions are given by name.
    check : bool
        Refuse NaN, infinite and out-of-range values.
    """
    request = ask(schema, conditions if conditions is not None else n, values, first=first)
    if check:
        request.check()
    return request.whole()


def completed(plugin: Plugin, schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Conditions with what was not asked filled in, where the plugin says how; see `Plugin.complete`."""
    if plugin.complete is None or not conditions.sizes["sample"]:
        return conditions
    return plugin.complete(schema, conditions, seed)


def check_seed(seed: Any) -> int:
    """The seed as an int; raises SchemaError where it is none."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise SchemaError.about("seed", f"{seed!r} is not a seed", "an integer", value=seed)
    if not 0 <= seed <= _MOST:
        raise SchemaError.about("seed", f"{seed} is out of range", f"0 to {_MOST}", value=seed)
    return int(seed)


def check_block(block: Any) -> int:
    """The block size as an int; raises SchemaError where it is no positive integer."""
    if isinstance(block, bool) or not isinstance(block, (int, np.integer)) or block < 1:
        raise SchemaError.about("block", f"{block!r} is not a number of samples", "an integer, 1 or more", value=block)
    return int(block)


def check_limits(limits: tuple[Limit, ...], conditions: xr.Dataset) -> None:
    """Raise SchemaError for the first row whose conditions are infeasible together."""
    if conditions.sizes["sample"]:
        for limit in limits:
            limit.check(conditions)


def outside(schema: Schema, conditions: xr.Dataset) -> np.ndarray:
    """(n,) bool: samples with at least one finite condition outside the bounds of `schema`."""
    found = np.zeros(conditions.sizes["sample"], dtype=bool)
    for variable in schema:
        far = variable.outside(conditions.variables[variable.name].values)
        found |= far.any(axis=tuple(range(1, far.ndim)))
    return found
