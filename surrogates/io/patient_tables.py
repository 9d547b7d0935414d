"""Records of patients as a pair of CSV tables: one row a patient, and one row a measurement or a time.

Datasets have variables over (sample), which stand once for a patient, and over (sample, bin), NaN or -1 where nothing
was measured; `bin` has a coordinate of times.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, opened
from .formats import Format, FormatError
from .zipped import zipped_tables

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Field:
    """How a variable stands in a table.

    Attributes
    ----------
    name : str
        Of the variable.
    header : str
        Of its column, or what a long table calls it.
    labels : tuple of str
        Of its codes; empty of numbers.
    units : str
        As the table writes them.
    decimals : int, optional
        Of numbers; six significant digits where it is None.
    """

    name: str
    header: str
    labels: tuple[str, ...] = ()
    units: str = ""
    decimals: int | None = None

    def texts(self, values: np.ndarray) -> list[str]:
        """Cells of values or codes, empty where there is none."""
        if self.labels:
            return [self.labels[int(code)] if code >= 0 else "" for code in values.tolist()]
        digits = self.decimals
        if digits is None:
            return ["" if value != value else f"{value:.6g}" for value in values.tolist()]
        return ["" if value != value else f"{round(value, digits):.15g}" for value in values.tolist()]

    def there(self, values: np.ndarray) -> np.ndarray:
        """Which values are not missing."""
        return values >= 0 if self.labels else np.isfinite(values)


@dataclass(frozen=True)
class PatientTables:
    """Names of files and columns of a pair.

    Attributes
    ----------
    once, signs : tuple of Field
        Over (sample), and over (sample, bin).
    static, temporal : str
        File names.
    patient, temporal_patient, time : str
        Headers.
    variable, value, unit : str
        Headers of a table with a row a measurement; without `variable` it has a row a time and a column a sign.
    """

    once: tuple[Field, ...]
    signs: tuple[Field, ...]
    static: str = "patients.csv"
    temporal: str = "measurements.csv"
    patient: str = "patient"
    temporal_patient: str = "patient"
    time: str = "hour"
    variable: str = ""
    value: str = ""
    unit: str = ""

    @property
    def headers(self) -> dict[str, list[str]]:
        """File name -> columns."""
        if self.variable:
            measured = [self.variable, self.value, *([self.unit] if self.unit else [])]
        else:
            measured = [field.header for field in self.signs]
        return {
            self.static: [self.patient, *(field.header for field in self.once)],
            self.temporal: [self.temporal_patient, self.time, *measured],
        }

    def static_rows(self, block: xr.Dataset) -> Iterator[Sequence[object]]:
        """Rows of the first table."""
        columns = [field.texts(_values(block, field)) for field in self.once]
        return zip(block[SAMPLE].values.tolist(), *columns, strict=True)

    def temporal_rows(self, block: xr.Dataset) -> Iterator[Sequence[object]]:
        """Rows of the second table: what was not measured has none."""
        identity, times = block[SAMPLE].values.tolist(), block["bin"].values.tolist()
        values = [_values(block, field) for field in self.signs]
        there = np.stack([field.there(array) for field, array in zip(self.signs, values, strict=True)], axis=-1)
        shown = [f"{time:g}" for time in times]
        if self.variable:
            for row, place, sign in np.argwhere(there):
                field = self.signs[sign]
                text = field.texts(values[sign][row, place : place + 1])[0]
                units = [field.units] if self.unit else []
                yield [identity[row], shown[place], field.header, text, *units]
            return
        for row, place in np.argwhere(there.any(axis=-1)):
            cells = [f.texts(a[row, place : place + 1])[0] for f, a in zip(self.signs, values, strict=True)]
            yield [identity[row], shown[place], *cells]


def _values(block: xr.Dataset, field: Field) -> np.ndarray:
    if field.name not in block:
        raise FormatError(f"{field.name}: not in the Dataset; its pair of tables has a column {field.header!r}")
    return block[field.name].values


def pair_format(tables: PatientTables) -> Format:
    """The pair as one zip archive."""
    return Format(
        name="pair",
        suffixes=(".pair.zip",),
        description=f"zip archive of {tables.static} and {tables.temporal}, CSV",
        write=partial(write_zip, tables=tables),
        read=None,
        leaves_out="all but six digits of a number",
    )


def write_zip(
    blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, tables: PatientTables
) -> None:
    """Write both tables into one archive.

    Raises
    ------
    FormatError
        A variable is not in the Dataset.
    OutputError
        The file exists or cannot be written.
    """
    first, stream = opened(blocks)
    with zipped_tables(target, tables.headers, overwrite=overwrite) as writers:
        for block in (first, *stream):
            writers[tables.static].writerows(tables.static_rows(block))
            writers[tables.temporal].writerows(tables.temporal_rows(block))


def write_folder(
    data: xr.Dataset, folder: Path, *, overwrite: bool = False, tables: PatientTables
) -> tuple[Path, Path]:
    """Write both tables as files of a folder that is there.

    Raises
    ------
    OutputError
        A file that is there, without `overwrite`.
    """
    found = (folder / tables.static, folder / tables.temporal)
    rows = (tables.static_rows(data), tables.temporal_rows(data))
    for path, part in zip(found, rows, strict=True):
        with (
            replacing(path, overwrite=overwrite) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(tables.headers[path.name])
            writer.writerows(part)
    return found
