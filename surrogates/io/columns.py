"""Tables of samples, CSV and Parquet: a row a sample, a column for each number, label and text.

A column is headed by the variable's name, with its units in brackets where it has any; labels and texts stand as such,
what is not there is an empty cell. Variables beyond those of the plugin (a weight, what `--keep` passed through) are
columns too.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .atomic import byte_stream, replacing
from .blocks import SAMPLE, check_same_schema, opened
from .conventions import TEXT_COMMENT
from .formats import FileFormatError, Format, FormatError
from .seals import seal_parquet
from .tables import ATTRIBUTES, parquet_for, read_conditions

if TYPE_CHECKING:
    import xarray as xr


class Column(Protocol):
    """What a table has to know of a variable; those of a schema are such."""

    name: str
    dtype: str
    dims: tuple[str, ...]
    categories: tuple[str, ...] | None
    text: bool
    units: str

    def attrs(self) -> dict[str, Any]: ...


def column_formats(variables: Sequence[Any], widths: dict[str, int]) -> tuple[Format, Format]:
    """CSV and Parquet for a plugin whose samples are numbers, labels and texts.

    Parameters
    ----------
    variables : sequence of Column
        Conditions and outputs.
    widths : dict
        Characters along each dimension of text.
    """
    read = partial(_read, known={variable.name: variable for variable in variables}, widths=widths)
    return (
        Format("csv", (".csv",), "CSV table, a row a sample", write_csv, read, streams=True),
        Format("parquet", (".parquet",), "Parquet table, a row a sample", write_parquet, read, extra="parquet"),
    )


def _read(path: Path, *, known: dict[str, Any], widths: dict[str, int]) -> Iterator[xr.Dataset]:
    """Yield the samples of a table; every variable of the plugin must be a column."""
    yield _samples(Path(path), known, widths)


def _headers(block: xr.Dataset) -> dict[str, str]:
    """Column by variable.

    Raises
    ------
    FormatError
        A variable that has more than one number, label or text a sample.
    """
    found = {SAMPLE: SAMPLE}
    for name, variable in block.data_vars.items():
        text = variable.attrs.get("comment") == TEXT_COMMENT and variable.ndim == 2
        if variable.dims[:1] != (SAMPLE,) or (variable.ndim > 1 and not text):
            raise FormatError(
                f"{name}: over ({', '.join(map(str, variable.dims))}); a table holds one number, label or text a "
                "sample, write .nc or .h5"
            )
        units = str(variable.attrs.get("units", "1"))
        worded = text or variable.dtype.kind in "UO" or "flag_meanings" in variable.attrs
        found[str(name)] = str(name) if worded or units in ("1", "") else f"{name} [{units}]"
    return found


def _cells(variable: xr.DataArray) -> list[Any]:
    """Numbers, labels or texts of a column; None where there is none."""
    values, attrs = variable.values, variable.attrs
    if variable.ndim == 2:
        rows = np.ascontiguousarray(values, dtype=np.uint8)
        return [row.tobytes().rstrip(b"\0").decode("ascii", "replace") for row in rows]
    if "flag_meanings" in attrs:
        labels = str(attrs["flag_meanings"]).split()
        codes = np.asarray(attrs.get("flag_values", np.arange(len(labels)))).ravel().tolist()
        named = {code: label for code, label in zip(codes, labels, strict=True) if code != -1}
        return [named.get(code) for code in values.tolist()]
    if values.dtype.kind == "f":
        return [None if number != number else number for number in values.tolist()]
    return (values.astype(np.int8) if values.dtype.kind == "b" else values).tolist()


def write_csv(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write a CSV table; numbers with all their digits.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
        ``-`` for standard output; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        A variable that a table has no place for; names it.
    """
    first, stream = opened(blocks)
    headers = _headers(first)
    with byte_stream(target, overwrite=overwrite) as file:
        file.write(csv_line(headers.values()))
        block: xr.Dataset | None = first
        while block is not None:
            check_same_schema(first, block)
            for cells in zip(*(_cells(block[name]) for name in headers), strict=True):
                file.write(csv_line("" if cell is None else cell for cell in cells))
            block = next(stream, None)


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line of a CSV table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8")


def write_parquet(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write a Parquet table, a row group a block, labels and texts as text; sealed, see :mod:`surrogates.io.seals`.

    Raises
    ------
    FormatError
        Without pyarrow, or a variable that a table has no place for.
    """
    arrow = parquet_for(".parquet")
    first, stream = opened(blocks)
    headers = _headers(first)
    kinds = [_kind(arrow, first[name]) for name in headers]
    about = {ATTRIBUTES: json.dumps({str(k): v for k, v in first.attrs.items()}, default=_plain).encode()}
    schema = arrow.schema(list(zip(headers.values(), kinds, strict=True)), metadata=about)
    with replacing(Path(target), overwrite=overwrite) as temporary:
        with arrow.parquet.ParquetWriter(str(temporary), schema) as writer:
            block: xr.Dataset | None = first
            while block is not None:
                check_same_schema(first, block)
                arrays = [arrow.array(_cells(block[name]), kind) for name, kind in zip(headers, kinds, strict=True)]
                writer.write_table(arrow.table(arrays, schema=schema))
                block = next(stream, None)
        seal_parquet(temporary)


def _kind(arrow: Any, variable: xr.DataArray) -> Any:
    if variable.ndim == 2 or variable.dtype.kind in "UO" or "flag_meanings" in variable.attrs:
        return arrow.string()
    return arrow.float64() if variable.dtype.kind == "f" else arrow.int64()


def _plain(value: Any) -> Any:
    return value.item() if np.ndim(value) == 0 and hasattr(value, "item") else np.asarray(value).tolist()


def _samples(path: Path, known: dict[str, Any], widths: dict[str, int]) -> xr.Dataset:
    table = read_conditions(path)
    missing = [name for name in known if name not in table]
    if missing:
        raise FileFormatError(f"{path}: no column {missing[0]}; expected {', '.join(known)}")
    data: dict[str, Any] = {}
    for name, column in table.data_vars.items():
        if name not in known:
            data[str(name)] = column.variable
            continue
        variable = known[str(name)]
        units = column.attrs.get("units", variable.units)
        if units != variable.units:
            raise FileFormatError(f"{path}: column {name!r} in {units}; expected {variable.units}")
        try:
            data[str(name)] = ((SAMPLE, *variable.dims), _values(variable, column.values, widths), variable.attrs())
        except ValueError as error:
            raise FileFormatError(f"{path}: column {name!r}: {error}") from None
    return table.drop_vars(list(table.data_vars)).assign(data)


def _values(variable: Column, cells: np.ndarray, widths: dict[str, int]) -> np.ndarray:
    if variable.text:
        width = widths[variable.dims[-1]]
        found = np.zeros((len(cells), width), dtype=np.uint8)
        for row, text in enumerate(cells.astype(str).tolist()):
            if len(text) > width or not text.isascii():
                raise ValueError(f"{text[:60]!r} in row {row}; expected at most {width} ASCII characters")
            found[row, : len(text)] = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
        return found
    if variable.categories is not None:
        codes = {label: code for code, label in enumerate(variable.categories)} | {"": -1}
        unknown = next((label for label in cells.astype(str).tolist() if label not in codes), None)
        if unknown is not None:
            raise ValueError(f"{unknown!r}; expected one of {', '.join(variable.categories)}")
        return np.array([codes[label] for label in cells.astype(str).tolist()], dtype=variable.dtype)
    if cells.dtype.kind == "U":
        filled = next((cell for cell in cells.tolist() if cell), None)
        if filled is not None:
            raise ValueError(f"{filled!r} is no number")
        return np.full(len(cells), np.nan).astype(variable.dtype)
    return cells.astype(variable.dtype)
