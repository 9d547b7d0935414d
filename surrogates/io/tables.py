"""Conditions from a table: CSV, TSV or Parquet, one column a condition, units in the header."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import SAMPLE
from .formats import FileFormatError, FormatError, missing_library
from .seals import check_parquet_seal

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = (".csv", ".tsv", ".parquet")
ATTRIBUTES = b"surrogates_attributes"
"""Key of a Parquet file's metadata that holds the attributes of the Dataset it was made of, as JSON."""
_HEADER = re.compile(r"^\s*(?P<name>[^\[\]()]+?)\s*(?:[\[(](?P<units>[^\[\]()]*)[\])])?\s*$")


def read_conditions(path: str | Path) -> xr.Dataset:
    """Read a table of conditions.

    Parameters
    ----------
    path : path
        ``.csv`` (comma), ``.tsv`` (tab) or ``.parquet``. A column's header is its name, optionally with units:
        ``energy [GeV]`` or ``energy (GeV)``. A column `sample` gives the identities, else they count from 0. Empty
        cells stand for "not asked": NaN among numbers, an empty string among texts.

    Returns
    -------
    Dataset
        One variable over (sample) for each column: float64 or int64 where every cell is a number, else text; `units`
        where the header names them. ``encoding["lines"]`` holds the line of the file where each row ends.

    Raises
    ------
    FormatError
        For another suffix, or Parquet without pyarrow.
    FileFormatError
        Where the file is no table: rows of different lengths, a column without or with another's name, identities that
        are no integers or come twice.
    """
    import xarray as xr

    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FormatError(f"{path}: unknown kind of table {path.suffix or '(no suffix)'}; known: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    attrs: dict[str, Any] = {}
    if path.suffix.lower() == ".parquet":
        columns, lines, attrs = _parquet(path)
    else:
        columns, lines = _delimited(path)
    data: dict[str, Any] = {}
    for header, values in columns:
        found = _HEADER.match(header)
        if not found:
            raise FileFormatError(f"{path}: column header {header!r}; expected a name, or a name [units]")
        name = found["name"].strip()
        if name in data:
            raise FileFormatError(f"{path}: two columns are called {name!r}")
        data[name] = ((SAMPLE,), values, {"units": found["units"].strip()} if found["units"] else {})
    identity = data.pop(SAMPLE, None)
    if identity is None:
        n = len(columns[0][1]) if columns else 0
        identity = ((SAMPLE,), np.arange(n), {})
    if identity[1].dtype.kind != "i" or np.unique(identity[1]).size != identity[1].size:
        raise FileFormatError(f"{path}: column {SAMPLE!r} should hold integers, each once")
    table = xr.Dataset(data, {SAMPLE: identity}, attrs)
    table.encoding["lines"] = lines
    return table


def _delimited(path: Path) -> tuple[list[tuple[str, np.ndarray]], np.ndarray]:
    import csv

    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
            lines = [(reader.line_num, line) for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"{path}: expected a table in UTF-8; {error}") from None
    if not lines:
        raise FileFormatError(f"{path}: expected a header line; the file is empty")
    header = lines[0][1]
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise FileFormatError(f"{path}: line {number} has {len(line)} cells, the header {len(header)}")
    columns = [(name, _typed([line[i].strip() for _, line in lines[1:]])) for i, name in enumerate(header)]
    return columns, np.array([number for number, _ in lines[1:]], dtype=np.int64)


def _typed(cells: list[str]) -> np.ndarray:
    try:
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    if any(cells):
        try:
            return np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            pass
    return np.array(cells, dtype=np.str_)


def parquet_for(what: str) -> Any:
    """``pyarrow`` with its module `parquet`; raises FormatError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_library("pyarrow", "parquet", what) from None
    return pyarrow


def _parquet(path: Path) -> tuple[list[tuple[str, np.ndarray]], np.ndarray, dict[str, Any]]:
    pyarrow = parquet_for(f"{path}: Parquet")
    check_parquet_seal(path)
    try:
        table = pyarrow.parquet.read_table(path)
        columns = [
            (str(name), column.to_numpy()) for name, column in zip(table.column_names, table.columns, strict=True)
        ]
        attrs = json.loads((table.schema.metadata or {}).get(ATTRIBUTES, b"{}"))
    except Exception as error:
        raise FileFormatError(f"{path}: expected a Parquet table; {str(error).splitlines()[0]}") from None
    made = []
    for name, values in columns:
        if values.dtype.kind == "O":
            if (kind := next((type(v).__name__ for v in values if not isinstance(v, str | None)), None)) is not None:
                raise FileFormatError(f"{path}: column {name!r} holds values of type {kind}; expected numbers or text")
            values = np.array(["" if value is None else value for value in values], dtype=np.str_)
        elif values.dtype.kind in "iu":
            values = values.astype(np.int64)
        elif values.dtype.kind == "f":
            values = values.astype(np.float64)
        else:
            raise FileFormatError(f"{path}: column {name!r} has type {values.dtype}; expected numbers or text")
        made.append((name, values))
    return made, np.arange(1, table.num_rows + 1), attrs if isinstance(attrs, dict) else {}
