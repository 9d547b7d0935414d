"""A pair of tables with the plugin's own columns, for recipes whose levels and bounds no patient's data may touch.

The columns, their labels, bounds and bins are the plugin's, as `.pair.zip` has them: nothing is read off the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..physionet import challenge_training
from ..tidy import TABLES
from ..variables import BINS, BOUNDS, CONDITIONS
from .layout import Bins, Column, Layout
from .pair import open_pair
from .reading import cohort, kept_sides

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = "a folder or zip archive of a pair of CSV tables with the plugin's own columns (as .pair.zip has them)"
BOUNDED = {**BOUNDS, "age": (15.0, 95.0)}


def _column(name: str, labels: tuple[str, ...], units: str) -> Column:
    role = "condition" if name in CONDITIONS else "outcome" if name == "outcome" else "output"
    if labels:
        return Column(name, name, "categorical", role, labels=labels)
    return Column(name, name, "continuous", role, units, bounds=BOUNDED[name])


OWN = Layout(
    static=TABLES.static,
    temporal=TABLES.temporal,
    patient=TABLES.patient,
    temporal_patient=TABLES.temporal_patient,
    time=TABLES.time,
    columns=tuple(_column(field.name, field.labels, field.units) for field in TABLES.once),
    signs=tuple(_column(field.name, field.labels, field.units) for field in TABLES.signs),
    bins=Bins(0.0, 4.0, BINS),
    variable=TABLES.variable,
    value=TABLES.value,
    unit=TABLES.unit,
)
"""The plugin's own pair."""


def read_own(path: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """The stays that train, of such a pair or of the challenge's file.

    Raises
    ------
    SchemaError
        A column, label or variable that the plugin does not have, a value outside its bounds, or another of the faults
        that `reading.read` names.
    """
    if path.is_file() and path.suffix.lower() == ".npz":
        return challenge_training(path, kept)
    everyone, trains = cohort(*open_pair(path, (OWN.static, OWN.temporal)), OWN)
    return (kept_sides(everyone, trains, kept)[0],)
