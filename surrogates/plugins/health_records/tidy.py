"""A cohort as a pair of CSV files: one row a patient, and one row a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...io.patient_tables import Field, PatientTables, write_folder
from .variables import CONDITIONS, NAMES, OUTPUTS, STATURE

if TYPE_CHECKING:
    import xarray as xr

ABOUT = ("age", "sex", "unit", *STATURE, "outcome")


def _field(name: str) -> Field:
    variable = (CONDITIONS if name in CONDITIONS else OUTPUTS)[name]
    return Field(name, name, variable.categories or (), variable.units)


TABLES = PatientTables(
    once=tuple(_field(name) for name in ABOUT),
    signs=tuple(_field(name) for name in NAMES),
    variable="sign",
    value="value",
    unit="units",
)
"""The plugin's own pair."""


def write_pair(data: xr.Dataset, folder: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write ``patients.csv`` and ``measurements.csv``; what was not measured has no row, what is unknown an empty cell.

    Parameters
    ----------
    data : Dataset
    folder : Path
        There already.
    overwrite : bool

    Returns
    -------
    tuple of Path

    Raises
    ------
    OutputError
        A file that is there, without `overwrite`.
    """
    return write_folder(data, folder, overwrite=overwrite, tables=TABLES)
