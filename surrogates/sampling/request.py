"""Request: what a user asked of a simulator, converted once and cut into blocks of conditions at constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError
from ..contract.schema import Limit, Schema, Variable, nearest, texts

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin


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
            values = self.rows[variable.name].values if self.rows is not None else given[variable.name]
            (variable if bounded else replace(variable, bounds=None)).check(values)

    def refuse(self, names: Iterable[str], why: str) -> None:
        """Raise SchemaError for the first value asked of the conditions `names`."""
        given = self.values or {}
        for name in names:
            values = np.asarray(self.rows[name].values if self.rows is not None else given[name])
            variable = self.schema[name]
            if variable.text:
                asked = np.array([repr(str(text)) for text in np.atleast_1d(texts(values)) if str(text)])
            else:
                asked = values[~np.isnan(values)] if values.dtype.kind == "f" else values[values >= 0]
            if asked.size:
                shown = asked.flat[0]
                raise SchemaError(f"{name}: {shown if variable.text else format(shown, 'g')} asked; {why}")

    def _block(self, start: int, stop: int) -> xr.Dataset:
        if self.rows is not None:
            return self.rows if (start, stop) == (0, self.n) else self.rows.isel(sample=slice(start, stop))
        arrays = {}
        for name, array in (self.values or {}).items():
            shared = array.ndim == len(self.schema[name].dims)
            arrays[name] = np.full((stop - start, *array.shape), array) if shared else array[start:stop].copy()
        return self.schema.dataset(arrays, np.arange(self.first + start, self.first + stop))


def ask(schema: Schema, n_or_conditions: Any, values: Mapping[str, Any], *, first: int = 0) -> Request:
    """Convert what a user passed, once; `Request.check` checks the ranges.

    Parameters
    ----------
    schema : Schema
        Conditions.
    n_or_conditions : int or xarray.Dataset
        A number of samples, or rows of conditions along `sample`.
    values : mapping
        Conditions by name: numbers, text with units, Quantities, labels, or arrays of length n.
    first : int
        Identity of the first sample.

    Raises
    ------
    SchemaError
        Unknown, missing, ill-shaped or unreadable conditions; negative n; identities that are no integers.
    """
    if hasattr(n_or_conditions, "data_vars"):
        return _ask_rows(schema, n_or_conditions, values, first)
    n = n_or_conditions
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        shown = f"a {type(n).__name__}" if hasattr(n, "__len__") and not isinstance(n, str) else repr(n)
        raise SchemaError(
            f"n: {shown} is not a number of samples; expected an integer, 0 or more, or a Dataset of conditions; "
            "give single conditions by name"
        )
    if isinstance(first, bool) or not isinstance(first, (int, np.integer)):
        raise SchemaError(f"first: {first!r} is not the identity of a sample; expected an integer")
    arrays = _converted(schema, int(n), values)
    for name, given in values.items():
        if schema[name].optional and arrays[name].ndim == 0 and np.isnan(arrays[name]) and str(given).strip():
            raise SchemaError(
                f"{name}: {given} is not finite; expected {schema[name].describe_range()}, or leave it out"
            )
    return Request(schema, int(n), first=int(first), values=arrays)


def _ask_rows(schema: Schema, rows: xr.Dataset, values: Mapping[str, Any], first: int) -> Request:
    if values:
        raise SchemaError(f"{next(iter(values))}: give conditions as a Dataset or by name, not both")
    if first:
        raise SchemaError(
            f"first: {first} given with a Dataset of conditions, whose `sample` coordinate identifies them"
        )
    if "sample" not in rows.dims:
        raise SchemaError("conditions: the Dataset has no `sample` dimension; expected one row a sample")
    n = int(rows.sizes["sample"])
    samples = rows["sample"].values if "sample" in rows.coords else np.arange(n)
    if samples.dtype.kind not in "iu":
        raise SchemaError(f"sample: identities of type {samples.dtype}; expected integers")
    arrays = _converted(schema, n, {str(name): rows[name] for name in rows.data_vars if name in schema})
    whole = {
        name: np.full((n, *array.shape), array) if array.ndim == len(schema[name].dims) else array
        for name, array in arrays.items()
    }
    return Request(schema, n, rows=schema.dataset(whole, samples))


def _converted(schema: Schema, n: int, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays in schema units: one value for all samples, or one a sample; defaults and missing ones filled in."""
    unknown = [name for name in values if name not in schema]
    if unknown:
        known = ", ".join(schema.names) or "no conditions"
        raise SchemaError(f"{unknown[0]}: unknown condition; expected {known}{nearest(unknown[0], schema.names)}")
    arrays: dict[str, np.ndarray] = {}
    for variable in schema:
        given = values.get(variable.name, variable.default)
        if given is None:
            if not variable.optional:
                raise SchemaError(f"{variable.name}: missing condition; expected {variable.describe_range()}")
            sizes = [schema.dimension(name).size or 1 for name in variable.dims]
            given = np.full(sizes, variable.missing) if sizes else variable.missing
        array = variable.convert(given)
        if variable.text:
            array = _padded(variable, array, schema.dimension(variable.dims[-1]).size)
        trailing = len(variable.dims)
        if array.ndim != trailing and (array.ndim != trailing + 1 or array.shape[0] != n):
            raise SchemaError(
                f"{variable.name}: shape {array.shape} does not fit {n} samples; expected ({n}, …) or one value"
            )
        for name, length in zip(variable.dims, array.shape[array.ndim - trailing :], strict=True):
            expected = schema.dimension(name).size
            if expected is not None and length != expected:
                raise SchemaError(f"{variable.name}: {length} along {name}; expected {expected}")
        arrays[variable.name] = array
    return arrays


def _padded(variable: Variable, codes: np.ndarray, size: int | None) -> np.ndarray:
    """Text as codes of `size` characters, padded with 0; raises SchemaError for longer text."""
    length = codes.shape[-1]
    if size is None or length == size:
        return codes
    if length > size:
        long = codes[..., size:].any(axis=-1)
        if long.any():
            text = str(texts(codes[long])[0] if codes.ndim > 1 else texts(codes))
            raise SchemaError(f"{variable.name}: {text!r} has {len(text)} characters; expected at most {size}")
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
        raise SchemaError(f"seed: {seed!r} is not a seed; expected an integer")
    return int(seed)


def check_block(block: Any) -> int:
    """The block size as an int; raises SchemaError where it is no positive integer."""
    if isinstance(block, bool) or not isinstance(block, (int, np.integer)) or block < 1:
        raise SchemaError(f"block: {block!r} is not a number of samples; expected an integer, 1 or more")
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
        far = variable.outside(conditions[variable.name].values)
        found |= far.any(axis=tuple(range(1, far.ndim)))
    return found
