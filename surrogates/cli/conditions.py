"""Conditions on the command line: options made from a schema, or a table with one row a setting."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..contract.errors import SchemaError
from ..contract.schema import Schema, Variable, nearest
from ..io import FormatError
from ..io.blocks import count_variables
from ..sampling.files import formats_of, read, read_field, read_whole
from ..sampling.request import check_identities, check_seed, condition_dataset
from ..sampling.tables import spelt

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

PREFIX = "condition_"
MANY_LABELS = 6
MOST_ROWS = 10**8


def condition_options(schema: Schema) -> list[click.Option]:
    """One option for each condition: a number, a label, a text, or the file that holds a field."""
    return [_option(variable) for variable in schema]


def is_field(variable: Variable) -> bool:
    """Whether a condition is more than one number, label or text, so that the command line takes a file."""
    return len(variable.dims) > int(variable.text)


def _option(variable: Variable) -> click.Option:
    dashed = variable.name.replace("_", "-")
    text = variable.long_name or variable.name
    if is_field(variable):
        metavar = "FILE"
        text += f": a file with ({', '.join(variable.dims)}), or one more axis for one a sample"
    elif variable.categories is not None:
        few = len(variable.categories) <= MANY_LABELS
        metavar = f"[{'|'.join(variable.categories)}]" if few else "LABEL"
        text += "" if few else f": {variable.describe_range()}"
    elif variable.text:
        metavar = "TEXT"
    else:
        metavar = "NUMBER" if variable.units == "1" else f"NUMBER[{variable.units}]"
        text += f": {variable.describe_range()}"
    if variable.default is not None:
        text += f"; {_default_label(variable)} by default"
    elif variable.optional:
        text += "; may be left out"
    else:
        text += "; required unless a table or --prior gives it"
    return click.Option([f"--{dashed}", f"{PREFIX}{variable.name}"], metavar=metavar, help=text)


def _default_label(variable: Variable) -> str:
    if variable.categories is not None and isinstance(variable.default, (int, np.integer)):
        return variable.categories[int(variable.default)]
    if isinstance(variable.default, (int, float)):
        return f"{variable.default:g}" if variable.units == "1" else f"{variable.default:g} {variable.units}"
    return str(variable.default)


def given_conditions(options: Mapping[str, Any]) -> dict[str, str]:
    """The conditions among a command's options, as typed."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in options.items()
        if name.startswith(PREFIX) and value is not None
    }


def read_fields(plugin: Plugin, schema: Schema, given: Mapping[str, str]) -> dict[str, Any]:
    """Conditions as typed, with the fields among them read from their files."""
    return {
        name: read_field(Path(text), schema[name], plugin) if is_field(schema[name]) else text
        for name, text in given.items()
    }


def asked(
    plugin: Plugin,
    schema: Schema,
    options: Mapping[str, Any],
    *,
    n: int | None,
    table: Path | None,
    prior: bool,
    seed: int,
    first: int = 0,
    keep: tuple[str, ...] = (),
) -> tuple[int | xr.Dataset, dict[str, Any]]:
    """What to ask a simulator for: a number of samples or rows of conditions, and the conditions given by name.

    Parameters
    ----------
    plugin : Plugin
    schema : Schema
        The accepted conditions; ranges are checked by the simulator.
    options : mapping
        The command's parameters.
    n : int, optional
        Samples in all, or as many as a field's file has, or 1 where the conditions given have one answer; with a table,
        samples for each of its rows, or 1.
    table : Path, optional
        A CSV, TSV or Parquet table with one column a condition, or a NetCDF or HDF5 file of conditions.
    prior : bool
        Draw the conditions from the plugin's prior.
    seed : int
        Of the prior.
    first : int
        Identity of the first sample.
    keep : tuple of str
        Columns of the table that are passed through to the samples; "all" for every one that is no condition.

    Raises
    ------
    click.UsageError
        Conflicting or missing sources.
    SchemaError
        Unknown, missing or unreadable conditions.
    """
    given = read_fields(plugin, schema, given_conditions(options))
    several = {name: len(field) for name, field in given.items() if _one_a_sample(schema[name], field)}
    if n is not None and n < 0:
        raise SchemaError(f"n: {n} is not a number of samples; expected an integer, 0 or more")
    seed = check_seed(seed)
    if prior and table is not None:
        raise click.UsageError("--prior and --conditions both give the conditions; choose one")
    if table is not None:
        return read_table(table, schema, given, each=n, first=first, keep=keep, plugin=plugin), {}
    if keep:
        raise click.UsageError("--keep names columns of a table; give one with --conditions")
    if n is None:
        n = next(iter(several.values()), 1 if given and not plugin.stochastic and not prior else None)
    if n is None:
        raise click.UsageError("-n is missing: the number of samples, 0 or more")
    if not prior and not several:
        return n, given
    values: dict[str, Any] = {}
    _refuse_too_many(n, "conditions of samples")
    if prior:
        drawn = plugin.prior(schema, n, seed)
        values = {str(name): drawn[name].values for name in drawn.data_vars if name in schema}
    return condition_dataset(schema, n=n, first=first, check=False, **{**values, **given}), {}


def _one_a_sample(variable: Variable, field: Any) -> bool:
    if not is_field(variable) or field.ndim != len(variable.dims) + 1 or len(field) < 2:
        return False
    return not set(variable.dims) < set(field.dims) or field.dims[0] not in variable.dims


def read_table(
    path: Path,
    schema: Schema,
    given: Mapping[str, Any],
    *,
    each: int | None,
    first: int = 0,
    keep: tuple[str, ...] = (),
    plugin: Plugin | None = None,
) -> xr.Dataset:
    """Read a table of conditions; every row stands for `each` samples (or 1), or for what its column ``n`` says.

    Rows that stand for one sample keep the identities in the table's ``sample``, where it has any of its own; other
    samples count from `first`.

    Columns named in `keep` come along as they are; none may be called as one of the outputs of `plugin`.

    A column is headed by a condition's name, capitals or not, with its unit in brackets where it is not the schema's:
    ``energy [TeV]``. Conditions given as options hold for all rows; of any other file that is read (NetCDF, HDF5, a
    native format of `plugin` or of another) the variables that are conditions are taken.

    Raises
    ------
    SchemaError
        An unknown column, a wrong unit, a label or number that does not read, or a negative count.
    FormatError
        A file that is no table.
    """
    from ..io import read_conditions

    delimited = path.suffix.lower() in {".csv", ".tsv", ".parquet"}
    table = read_conditions(path) if delimited else _samples(path, plugin)
    there = [str(name) for name in table.data_vars]
    lines = table.encoding.get("lines")
    table = table.rename({name: spelt(name, schema.names, there) for name in there})
    names = [str(name) for name in table.data_vars]
    taken = plugin.outputs.names if plugin is not None else ()
    rows = np.arange(table.sizes["sample"])
    if "n" in names and "n" not in schema:
        repeats = _counts(path, table["n"].values)
        names.remove("n")
    else:
        repeats = np.full(len(rows), 1 if each is None else each)
    _refuse_too_many(sum(repeats.tolist()), f"{path}: rows of samples")
    own = table["sample"].values if "sample" in table.coords else rows
    identified = not np.array_equal(own, rows)
    if identified and (first or np.any(repeats != 1)):
        raise SchemaError(
            f"{path}: its `sample` gives each row the identity of one sample; "
            "leave out --first and numbers of samples, or the identities"
        )
    rows = np.repeat(rows, repeats)
    others = [name for name in names if name not in schema and name not in count_variables(table).values()]
    kept = [name for name in others if name not in taken] if keep == ("all",) else list(keep)
    passed = [name for name in others if name in taken and name not in kept]
    if delimited and passed:
        warnings.warn(f"{path}: {', '.join(passed)} computed anew; what the table says is left out", stacklevel=2)
    for name in kept:
        if name not in others or name in taken:
            why = "is a condition or an output" if name in schema or name in taken else "is not there"
            raise SchemaError(f"{path}: --keep {name}: the column {why}; expected {', '.join(others) or 'none'}")
    for name in names if delimited else ():
        if name in kept or name in passed:
            continue
        if name not in schema:
            hint = nearest(name, schema.names) or f"; --keep {name} passes it through to the samples"
            raise SchemaError(f"{path}: column {name!r} is no condition; expected {', '.join(schema.names)}{hint}")
        if schema[name].text and table[name].dtype.kind != "U":
            raise SchemaError(f"{path}: column {name!r} holds numbers; expected {schema[name].describe_range()}")
        if name in given:
            raise SchemaError(f"{name}: given both as an option and in {path}; choose one")
    values: dict[str, Any] = {}
    for name in map(str, table.variables):
        if name in schema and name not in given:
            values[name] = _read_column(schema[name], table[name], path, lines)[rows]
    rows_of = condition_dataset(schema, n=len(rows), first=first, check=False, **values, **given)
    if identified:
        rows_of = rows_of.assign_coords(sample=("sample", check_identities(own), rows_of["sample"].attrs))
    return rows_of.assign({name: ("sample", table[name].values[rows], _attributes(table[name])) for name in kept})


def _samples(path: Path, plugin: Plugin | None) -> xr.Dataset:
    """A file of samples, by the formats of the plugin that is asked where it knows the suffix, else of any."""
    if not path.exists():
        raise FormatError(f"{path}: no such file; expected conditions in a table or a file of samples")
    suffixes = [suffix for entry in formats_of(plugin) if entry.read is not None for suffix in entry.suffixes]
    own = any(path.name.lower().endswith(suffix) for suffix in suffixes)
    return read_whole(path, plugin) if own or path.is_dir() else read(path)


def _attributes(column: xr.DataArray) -> dict[str, str]:
    return {"units": str(column.attrs.get("units", "1")), "long_name": f"{column.name}, as given"}


def _read_column(variable: Variable, column: xr.DataArray, path: Path, lines: np.ndarray | None) -> np.ndarray:
    """One condition of every row of a table; a bad cell is named by file, line and column."""
    try:
        values = _column(variable, column, path)
        replace(variable, bounds=None).check(values)
        return values
    except SchemaError as error:
        found = error
    low, high = 0, column.sizes.get("sample", 0)
    while high - low > 1:  # the first rows that do not read
        middle = (low + high) // 2
        try:
            replace(variable, bounds=None).check(_column(variable, column[low:middle], path))
            low = middle
        except SchemaError as error:
            high, found = middle, error
    try:
        replace(variable, bounds=None).check(_column(variable, column[low:high], path))
    except SchemaError as error:
        found = error
    where = f"row {low}" if lines is None else f"line {lines[low]}"
    raise found.reworded(f"{path}, {where}, column {column.name!r}: {found}") from None


def _refuse_too_many(n: int, what: str) -> None:
    """Conditions of rows are held in memory, unlike a number of samples at one setting."""
    if n > MOST_ROWS:
        raise SchemaError.about("n", f"{n} {what} would be held in memory", f"at most {MOST_ROWS} at a time", value=n)


def _column(variable: Variable, column: xr.DataArray, path: Path) -> np.ndarray:
    """One condition of every row of a table; a field's column names its files, relative to the table."""
    if not is_field(variable) or column.dtype.kind not in "UO":
        return variable.convert(column)
    fields = [variable.convert(read_field(path.parent / str(name), variable)) for name in column.values]
    if len({field.shape for field in fields}) > 1:
        raise SchemaError.about(variable.name, "files of several shapes", "one shape for all rows")
    return np.stack(fields)


def _counts(path: Path, counts: np.ndarray) -> np.ndarray:
    if counts.dtype.kind not in "iu" or np.any(counts < 0):
        raise SchemaError(f"{path}: column 'n' holds {counts.tolist()[:5]}; expected numbers of samples, 0 or more")
    return counts
