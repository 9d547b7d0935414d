"""Opening a pair of tables as text: which file is which, and which columns name patient, time, variable and value."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....contract.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("time", "hour", "hours", "t", "offset", "charttime", "time_h", "minute", "minutes", "day", "days", "bin")
PATIENTS = ("patient", "patient_id", "stay", "stay_id", "subject_id", "record_id", "hadm_id", "icustay_id", "id")
VARIABLES = ("variable", "sign", "parameter", "item", "name", "code", "test", "measurement", "label")
VALUES = ("value", "valuenum", "result", "reading")
UNITS = ("units", "unit", "valueuom", "uom")
SUFFIXES = (".csv", ".csv.gz")
GAPS = ("", "na", "n/a", "nan", "null")
"""What counts as missing, in small letters."""


@dataclass(frozen=True)
class Table:
    """One table, every cell a text.

    Attributes
    ----------
    name : str
        Of its file.
    cells : DataFrame
    """

    name: str
    cells: pd.DataFrame
    _texts: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def headers(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(str(name) for name in self.cells.columns)

    def texts(self, column: str) -> np.ndarray:
        """A column without blanks at its ends, (n,) of str; raises SchemaError where there is none."""
        if column not in self.cells:
            raise SchemaError.about(column, f"no such column in {self.name}", ", ".join(self.headers))
        if column not in self._texts:
            self._texts[column] = np.array([text.strip() for text in self.cells[column].tolist()], dtype=object)
        return self._texts[column]

    def where(self, row: int) -> str:
        """A row in words."""
        return f"line {row + 2} of {self.name}"


def is_gap(texts: np.ndarray, codes: Sequence[str] = ()) -> np.ndarray:
    """(n,) bool: cells that are missing, or hold a code of it."""
    return np.array([text.lower() in GAPS or text in codes for text in texts.tolist()], dtype=bool)


def open_pair(path: Path, names: Sequence[str] = ()) -> tuple[Table, Table]:
    """The table with a row a patient, and the one with times.

    Parameters
    ----------
    path : Path
        A folder, or a zip archive, with two CSV files; others than CSV files are passed over.
    names : sequence of str
        The two files' names, static and temporal, where a schema says them; else the one with a column of times is the
        temporal one.

    Raises
    ------
    SchemaError
        Other than two files, or none or both with a column of times.
    """
    found = {name: text for name, text in _files(path) if name.lower().endswith(SUFFIXES)}
    if names:
        lacking = [name for name in names if name not in found]
        if lacking:
            raise SchemaError.about(lacking[0], f"no such file in {path}", ", ".join(found) or "CSV files")
        found = {name: found[name] for name in names}
    if len(found) != 2:
        listed = ", ".join(sorted(found)) or "none"
        raise SchemaError(f"{path}: {len(found)} CSV files ({listed}); expected two, patients and their measurements")
    tables = [_table(name, data) for name, data in found.items()]
    if names:
        return tables[0], tables[1]
    timed = [any(header.lower() in TIMES for header in table.headers) for table in tables]
    if sum(timed) != 1:
        both = "both" if all(timed) else "neither"
        raise SchemaError(
            f"{path}: {both} of {tables[0].name} and {tables[1].name} have a column of times; expected one table a row "
            f"a patient, and one with times since admission in a column such as {', '.join(TIMES[:3])}"
        )
    return (tables[1], tables[0]) if timed[0] else (tables[0], tables[1])


def _files(path: Path) -> list[tuple[str, Any]]:
    if path.is_dir():
        return [(one.name, one) for one in sorted(path.iterdir()) if one.is_file()]
    try:
        with zipfile.ZipFile(path) as archive:
            return [(Path(name).name, archive.read(name)) for name in sorted(archive.namelist()) if name[-1] != "/"]
    except zipfile.BadZipFile:
        raise SchemaError(f"{path}: no zip archive; expected a folder or an archive of two CSV files") from None


def _table(name: str, source: Any) -> Table:
    import pandas as pd

    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
    if name.lower().endswith(".gz"):
        options["compression"] = "gzip"
    try:
        cells = pd.read_csv(io.BytesIO(source) if isinstance(source, bytes) else source, **options)
    except (ValueError, EOFError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SchemaError(f"{name}: does not read ({reason}); expected a CSV file in UTF-8 with a header") from None
    cells = cells.rename(columns=lambda header: str(header).strip())
    if len(cells.columns) < 2:
        header = str(cells.columns[0]) if len(cells.columns) else ""
        raise SchemaError(f"{name}: one column, {header[:60]!r}; expected several, divided by commas")
    twice = cells.columns[cells.columns.duplicated()]
    if len(twice):
        raise SchemaError.about(str(twice[0]), f"two columns of {name} have this header", "each header once")
    if not len(cells):
        raise SchemaError(f"{name}: no rows below the header; expected one or more")
    if not isinstance(cells.index, pd.RangeIndex):
        raise SchemaError(f"{name}: rows longer than the header; expected as many cells as headers")
    return Table(name, cells.fillna(""))


def patient_column(static: Table, temporal: Table) -> str:
    """The column of both tables that names the patient."""
    shared = [header for header in static.headers if header in temporal.headers]
    known = [header for name in PATIENTS for header in shared if header.lower() == name]
    unique = [header for header in shared if static.cells[header].is_unique]
    if not shared:
        raise SchemaError(
            f"patient: {static.name} and {temporal.name} share no column; expected one that names the patient in both"
        )
    return (known or unique or shared)[0]


def special_columns(temporal: Table, patient: str) -> dict[str, str]:
    """Columns of times and, of a long table, of variables, values and units."""
    others = [header for header in temporal.headers if header != patient]

    def one(names: Sequence[str]) -> str:
        return next((header for name in names for header in others if header.lower() == name), "")

    found = {"time": one(TIMES), "variable": one(VARIABLES), "value": one(VALUES), "unit": one(UNITS)}
    if not (found["variable"] and found["value"]):
        found |= {"variable": "", "value": "", "unit": ""}
    return found
