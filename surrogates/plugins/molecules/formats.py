"""Native formats of molecules: SMILES, structures, and tables with asked and found properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...io.atomic import byte_stream, replacing
from ...io.blocks import opened
from ...io.columns import csv_line
from ...io.formats import FileFormatError, Format, FormatError
from ...io.seals import seal_parquet
from ...io.smiles import further, rdkit_for, smiles_format, structure_format, texts_of, words_of
from ...io.tables import parquet_for, read_conditions
from ...physics.molecules.descriptors import DESCRIPTORS, parse
from ...physics.molecules.geometry import embedded
from ...physics.molecules.structure import inchi_key
from ...physics.molecules.text import LENGTH
from .variables import CONDITIONS, OUTPUTS, PROPERTIES

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

    Weights and what was passed through are columns behind those of `HEADER`.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
        ``-`` for standard output.
    overwrite : bool
        Whether an existing file may be replaced.
    """
    rdkit_for(".csv")
    first, stream = opened(blocks)
    added = _added(first)
    with byte_stream(target, overwrite=overwrite) as file:
        file.write(csv_line((*HEADER, *added)))
        block: xr.Dataset | None = first
        while block is not None:
            for cells in rows_of(block, added):
                file.write(csv_line("" if cell is None else cell for cell in cells))
            block = next(stream, None)


def _added(block: xr.Dataset) -> list[str]:
    return further(block, (*CONDITIONS.names, *OUTPUTS.names))


def rows_of(block: xr.Dataset, added: Sequence[str] = ()) -> Iterator[tuple[int | float | str | None, ...]]:
    """Cells of each molecule in the order of `HEADER`, then those `added`; None for a number that is not there."""
    asked = [block[name].values.astype(float) if name in block else None for name in PROPERTIES]
    beside = [words_of(block[name]) for name in added]
    seed = block.attrs.get("seed")
    for row, text in enumerate(texts_of(block)):
        wanted = [None if values is None or np.isnan(values[row]) else float(values[row]) for values in asked]
        named, found = _described(text)
        more = [words[row] for words in beside]
        yield (int(block["sample"].values[row]), None if seed is None else int(seed), *named, *wanted, *found, *more)


def _described(text: str) -> tuple[list[str], list[float | None]]:
    from rdkit import Chem, rdBase

    read = parse(text)
    if read.molecule is None:
        return [text, read.reason, "", ""], [None] * len(DESCRIPTORS)
    with rdBase.BlockLogs():
        named = [Chem.MolToSmiles(read.molecule), "", Chem.MolToInchi(read.molecule), inchi_key(read.molecule)]
    return named, [float(function(read.molecule)) for function in DESCRIPTORS.values()]


def read_table(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the molecules of a table: SMILES, asked properties and further columns; found ones are computed anew.

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
    beside = [name for name in table.data_vars if name not in _OURS and table[name].dims == ("sample",)]
    molecules = to_dataset(smiles, asked, table["sample"].values)
    ours = {"plugin": "molecules"} if "found_qed" in table else {}
    yield molecules.assign({name: table[name].variable for name in beside}).assign_attrs({**table.attrs, **ours})


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
    first, stream = opened(blocks)
    added = _added(first)
    kinds = [{"sample": arrow.int64(), "seed": arrow.int64()}.get(name, arrow.string()) for name in HEADER[:_NAMED]]
    kinds += [arrow.float64()] * (len(HEADER) - _NAMED) + [arrow.string()] * len(added)
    header = (*HEADER, *added)
    schema = arrow.schema(list(zip(header, kinds, strict=True)))
    with replacing(Path(target), overwrite=overwrite) as temporary:
        with arrow.parquet.ParquetWriter(str(temporary), schema) as writer:
            block: xr.Dataset | None = first
            while block is not None:
                columns = list(zip(*rows_of(block, added), strict=True)) or [()] * len(header)
                try:
                    arrays = [arrow.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
                except OverflowError:
                    raise FormatError(f"seed: {block.attrs['seed']} takes more than 64 bits; write .csv") from None
                writer.write_table(arrow.table(arrays, schema=schema))
                block = next(stream, None)
        seal_parquet(temporary)


_NAMED = 6  # columns before the properties
_OURS = {name.partition(" [")[0] for name in HEADER}

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

FORMATS = (
    smiles_format(LENGTH, (*CONDITIONS.names, *OUTPUTS.names)),
    TABLE,
    structure_format(LENGTH, embedded, CONDITIONS),
    PARQUET,
)
