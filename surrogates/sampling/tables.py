"""Tables of conditions in memory (a dict of columns, a DataFrame) as rows along `sample`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError
from ..contract.schema import Schema

if TYPE_CHECKING:
    import xarray as xr

_HEADER = re.compile(r"^\s*(?P<name>[^\[\]()]+?)\s*(?:[\[(](?P<units>[^\[\]()]*)[\])])?\s*$")


def rows_of(schema: Schema, given: Any) -> Any:
    """A table of conditions as a Dataset along `sample`; anything else, a number or a Dataset, as it is.

    Parameters
    ----------
    schema : Schema
        Conditions.
    given
        A DataFrame (pandas, polars, an astropy table) or a mapping of columns, one row a sample, values that do not
        vary written once. A column is headed by a condition's name, with its unit in brackets where it is not the
        schema's: ``energy [TeV]``. Of a DataFrame, columns that are nothing like a condition are left out.

    Raises
    ------
    SchemaError
        Columns of different lengths, or a name that is no condition's.
    """
    if not (isinstance(given, Mapping) or hasattr(given, "columns")) or hasattr(given, "data_vars"):
        return given
    import xarray as xr

    from ..contract.schema import nearest

    names = list(given) if isinstance(given, Mapping) else [str(name) for name in given.columns]
    columns: dict[str, Any] = {}
    for header in names:
        found = _HEADER.match(str(header))
        name, units = (found["name"], found["units"]) if found else (str(header), None)
        name = spelt(name, schema.names, (*columns, *(str(other) for other in names)))
        if name in schema:
            values = given[header]
            columns[name] = schema[name].convert(
                xr.DataArray(np.asarray(values), attrs={"units": units}) if units else _plain(values)
            )
        elif isinstance(given, Mapping) or nearest(name, schema.names):
            raise SchemaError.about(name, "no condition", ", ".join(schema.names), hint=nearest(name, schema.names))
    several = {name: len(array) for name, array in columns.items() if array.ndim > len(schema[name].dims)}
    if len(set(several.values())) > 1:
        told = ", ".join(f"{length} of {name}" for name, length in several.items())
        raise SchemaError.about("conditions", f"columns of several lengths ({told})", "one row a sample")
    n = next(iter(several.values()), 1 if isinstance(given, Mapping) else len(given))
    whole = {name: array if name in several else np.full((n, *array.shape), array) for name, array in columns.items()}
    arrays = {
        name: (("sample", *(f"{name}_{axis}" for axis in range(array.ndim - 1))), array)
        for name, array in whole.items()
    }
    return xr.Dataset(arrays, {"sample": np.arange(n)})


def spelt(name: str, known: Iterable[str], taken: Iterable[str]) -> str:
    """The known name that differs from `name` in capitals, spaces and hyphens alone, unless it is taken itself."""
    if name in set(known):
        return name
    fitting = [other for other in known if _bare(other) == _bare(name)]
    return fitting[0] if len(fitting) == 1 and fitting[0] not in set(taken) else name


def _bare(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def _plain(values: Any) -> Any:
    if hasattr(values, "dims") or hasattr(values, "unit"):
        return values
    values = np.asarray(values)
    return values.astype(np.str_) if values.dtype == np.dtype("O") else values


def others(rows: Any, schema: Schema) -> list[Any]:
    """Variables of rows that are no conditions, and come along; none of a number of samples."""
    return [] if isinstance(rows, int) else [name for name in rows.data_vars if name not in schema]


def with_others(blocks: Iterator[xr.Dataset], rows: Any, schema: Schema, start: int) -> Iterator[xr.Dataset]:
    """The blocks of the rows from `start` on, each with its rows' variables beside the conditions."""
    names = others(rows, schema)
    for block in blocks:
        stop = start + int(block.sizes["sample"])
        yield block.assign({name: rows[name].isel(sample=slice(start, stop)).variable for name in names})
        start = stop
