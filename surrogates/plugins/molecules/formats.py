"""Native formats of molecules: SMILES, structures, and tables with asked and found properties."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...io.atomic import byte_stream
from ...io.formats import FileFormatError, Format, FormatError
from ...io.smiles import rdkit_for, smiles_format, structure_format, texts_of
from ...io.tables import parquet_for, read_conditions
from ...physics.molecules.descriptors import DESCRIPTORS, parse
from ...physics.molecules.geometry import embedded
from ...physics.molecules.structure import inchi_key
from ...physics.molecules.text import LENGTH
from .variables import CONDITIONS, PROPERTIES

if TYPE_CHECKING:
    import xarray as xr


def _units(name: str) -> str:
    units = CONDITIONS[name].units
    return "" if units == "1" else f" [{units}]"


HEADER = (
    "sample",
    "seed",
    "smiles",
    "reason",
    "inchi",
    "inchi_key",
    *(f"{name}{_units(name)}" for name in PROPERTIES),
    *(f"found_{name}{_units(name)}" for name in DESCRIPTORS),
)
"""Columns of a table: asked properties bear their own names."""


def write_table(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write a CSV table, one row a molecule: what is not valid too, as it was written, with the reason.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
        ``-`` for standard output.
    overwrite : bool
        Whether an existing file may be replaced.
    """
    rdkit_for(".csv")
    with byte_stream(target, overwrite=overwrite) as stream:
        stream.write(_line(HEADER))
        for block in blocks:
            for cells in rows_of(block):
                stream.write(_line("" if cell is None else str(cell) for cell in cells))


def rows_of(block: xr.Dataset) -> Iterator[tuple[int | float | str | None, ...]]:
    """Cells of each molecule in the order of `HEADER`; None for a number that is not there."""
    asked = [block[name].values.astype(float) if name in block else None for name in PROPERTIES]
    seed = block.attrs.get("seed")
    for row, text in enumerate(texts_of(block)):
        wanted = [None if values is None or np.isnan(values[row]) else float(values[row]) for values in asked]
        named, found = _described(text)
        yield (int(block["sample"].values[row]), None if seed is None else int(seed), *named, *wanted, *found)


def _described(text: str) -> tuple[list[str], list[float | None]]:
    from rdkit import Chem, rdBase

    read = parse(text)
    if read.molecule is None:
        return [text, read.reason, "", ""], [None] * len(DESCRIPTORS)
    with rdBase.BlockLogs():
        named = [Chem.MolToSmiles(read.molecule), "", Chem.MolToInchi(read.molecule), inchi_key(read.molecule)]
    return named, [float(function(read.molecule)) for function in DESCRIPTORS.values()]


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8")


def read_table(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the molecules of a table: SMILES and asked properties; found ones are left to be computed anew.

    Raises
    ------
    FileFormatError
        No table, or one without a column `smiles`.
    """
    from .library import to_dataset

    table = read_conditions(path)
    if "smiles" not in table:
        raise FileFormatError(f"{path}: no column smiles; expected a table of molecules")
    smiles = [str(text) for text in table["smiles"].values]
    longest = max(map(len, smiles), default=0)
    if longest > LENGTH:
        raise FileFormatError(f"{path}: a SMILES of {longest} characters; expected at most {LENGTH}")
    asked: dict[str, Any] = {}
    for name in PROPERTIES:
        if name in table and table[name].dtype.kind in "iuf":
            asked[name] = np.asarray(table[name].values, dtype=np.float64)
    yield to_dataset(smiles, asked, table["sample"].values)


def write_parquet(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write the table of `write_table` as Parquet, a row group a block; numbers that are not there are null.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        Without pyarrow, or with a seed beyond 64 bits.
    """
    rdkit_for(".parquet")
    arrow = parquet_for(".parquet")
    kinds = [{"sample": arrow.int64(), "seed": arrow.int64()}.get(name, arrow.string()) for name in HEADER[:_NAMED]]
    kinds += [arrow.float64()] * (len(HEADER) - _NAMED)
    schema = arrow.schema(list(zip(HEADER, kinds, strict=True)))
    with byte_stream(target, overwrite=overwrite) as stream, arrow.parquet.ParquetWriter(stream, schema) as writer:
        for block in blocks:
            columns = list(zip(*rows_of(block), strict=True)) or [()] * len(HEADER)
            try:
                arrays = [arrow.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
            except OverflowError:
                raise FormatError(f"seed: {block.attrs['seed']} takes more than 64 bits; write .csv") from None
            writer.write_table(arrow.table(arrays, schema=schema))


_NAMED = 6  # columns before the properties

TABLE = Format(
    name="table",
    suffixes=(".csv",),
    description="CSV: SMILES, InChI, InChIKey, seed, asked and found properties, one row a molecule",
    write=write_table,
    read=read_table,
    extra="molecules",
    streams=True,
    leaves_out="what molecules were asked to be similar to",
)

PARQUET = Format(
    name="parquet",
    suffixes=(".parquet",),
    description="Parquet: the columns of the CSV table, numbers as numbers",
    write=write_parquet,
    read=read_table,
    extra="parquet",
    leaves_out="what molecules were asked to be similar to",
)

FORMATS = (smiles_format(LENGTH), TABLE, structure_format(LENGTH, embedded), PARQUET)
