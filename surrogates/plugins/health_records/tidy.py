"""A cohort as a pair of CSV files: one row a patient, and one row a measurement."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...io.atomic import replacing
from .variables import CONDITIONS, NAMES, OUTPUTS, STATURE

if TYPE_CHECKING:
    import xarray as xr

STATIC, TEMPORAL = "patients.csv", "measurements.csv"
ABOUT = ("age", "sex", "unit", *STATURE, "outcome")


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
    static, temporal = folder / STATIC, folder / TEMPORAL
    variables = {name: (CONDITIONS if name in CONDITIONS else OUTPUTS)[name] for name in (*ABOUT, *NAMES)}
    identity = data["sample"].values
    columns = []
    for name in ABOUT:
        labels, values = variables[name].categories, data[name].values
        if labels is None:
            columns.append(["" if np.isnan(value) else f"{value:.6g}" for value in values])
        else:
            columns.append(["" if code < 0 else labels[code] for code in values])
    with replacing(static, overwrite=overwrite) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", *ABOUT])
        writer.writerows(zip(identity.tolist(), *columns, strict=True))
    hours = data["bin"].values if "bin" in data.coords else 2.0 + 4.0 * np.arange(data.sizes["bin"])
    cells = np.stack([data[name].values for name in NAMES], axis=-1)
    with replacing(temporal, overwrite=overwrite) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "hour", "sign", "value", "units"])
        for row, place, sign in np.argwhere(np.isfinite(cells)):
            name = NAMES[sign]
            value = f"{cells[row, place, sign]:.6g}"
            writer.writerow([int(identity[row]), f"{hours[place]:g}", name, value, variables[name].units])
    return static, temporal
