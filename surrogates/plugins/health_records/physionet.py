"""Stays of the PhysioNet/CinC Challenge 2012 from its public table of twelve bins of four hours.

What is put right, in this order: codes of -1 and heights and weights no adult has count as missing; ages above 110 (the
challenge's stand-in for the oldest) too; zero pressures are flat lines, missing as well; a systolic arterial pressure
below the mean one (0.7 % of the bins that have both) contradicts itself, and the systolic one is dropped. The kind of
unit is missing for the whole of set A, which is a property of the file: it is "not asked", never a level.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = {
    "HR": "heart_rate",
    "NISysABP": "noninvasive_systolic_pressure",
    "Temp": "temperature",
    "RespRate": "respiratory_rate",
    "GCS": "glasgow_coma_scale",
    "Urine": "urine_output",
    "Creatinine": "creatinine",
    "BUN": "blood_urea_nitrogen",
    "Glucose": "glucose",
    "HCT": "haematocrit",
    "K": "potassium",
    "Na": "sodium",
    "WBC": "white_cells",
    "Platelets": "platelets",
    "MAP": "mean_arterial_pressure",
    "SysABP": "systolic_arterial_pressure",
}
PRESSURES = ("noninvasive_systolic_pressure", "mean_arterial_pressure", "systolic_arterial_pressure")
TRAINING = 4_500
SOURCE = "PhysioNet/Computing in Cardiology Challenge 2012, sets A and B (ODC-BY 1.0)"
OLDEST = 110.0


def read_challenge(path: Path) -> xr.Dataset:
    """All stays of a file, in its order.

    Raises
    ------
    SchemaError
        Arrays that are missing, or not of one length, or a stay that stands in the file twice.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("temporal", "static", "temporal_names", "static_names")}
    except (KeyError, ValueError, OSError) as error:
        raise SchemaError(f"{path}: {error}; expected an .npz of temporal, static and their names") from None
    temporal, static = arrays["temporal"].astype(np.float64), arrays["static"].astype(np.float64)
    if temporal.ndim != 3 or temporal.shape[1] != OUTPUTS.dimension("bin").size or len(temporal) != len(static):
        raise SchemaError(
            f"{path}: temporal {temporal.shape} and static {static.shape}; expected (n, 12, 16) and (n, 7)"
        )
    known = {str(name): temporal[:, :, k] for k, name in enumerate(arrays["temporal_names"])}
    about = {str(name): static[:, k] for k, name in enumerate(arrays["static_names"])}
    lacking = [
        name
        for name in (*COLUMNS, "record_id", "age", "gender", "height", "weight", "icu_type")
        if name not in {**known, **about}
    ]
    if lacking:
        raise SchemaError.about(lacking[0], f"no such column in {path}", f"{', '.join(COLUMNS)} and the static ones")
    identity = about["record_id"].astype(np.int64)
    if len(np.unique(identity)) < len(identity):
        values, counts = np.unique(identity, return_counts=True)
        twice = int(values[counts > 1][0])
        raise SchemaError.about("record_id", f"stay {twice} stands in {path} twice", "each stay once", value=twice)
    age = np.where(about["age"] > OLDEST, np.nan, about["age"])
    values = {new: _within(new, known[old]) for old, new in COLUMNS.items()}
    for name in PRESSURES:
        values[name] = np.where(values[name] <= 0.0, np.nan, values[name])
    low = values["systolic_arterial_pressure"] < values["mean_arterial_pressure"]
    values["systolic_arterial_pressure"] = np.where(low, np.nan, values["systolic_arterial_pressure"])
    values |= {"height": _within("height", about["height"]), "body_weight": _within("body_weight", about["weight"])}
    values["outcome"] = about["in_hospital_death"]
    asked = {
        "age": np.where((age >= 15.0) & (age <= 95.0), age, np.nan),
        "sex": np.where(np.isin(about["gender"], (0, 1)), about["gender"], -1),
        "unit": np.where(np.isfinite(about["icu_type"]), about["icu_type"] - 1, -1),
    }
    return OUTPUTS.dataset(values, identity).assign(CONDITIONS.labelled(asked))


def _within(name: str, values: np.ndarray) -> np.ndarray:
    """Values, missing where they lie outside what is possible."""
    low, high = OUTPUTS[name].bounds or (-np.inf, np.inf)
    return np.where((values >= low) & (values <= high), values, np.nan)


def split(stays: xr.Dataset, *, seed: int = 0, training: int = TRAINING) -> tuple[xr.Dataset, xr.Dataset]:
    """Training and evaluation stays, disjoint: a share of 3 in 4 for training, drawn by `seed` from the identities.

    Raises
    ------
    SchemaError
        A patient that would stand on both sides.
    """
    identity = np.asarray(stays["sample"].values)
    if len(np.unique(identity)) < len(identity):
        raise SchemaError("sample: a patient stands in the table twice; expected each once, or it is on both sides")
    order = np.random.default_rng([seed, 2012]).permutation(len(identity))
    count = min(training, len(identity) * 3 // 4)
    return stays.isel(sample=np.sort(order[:count])), stays.isel(sample=np.sort(order[count:]))


def challenge_training(path: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """The training stays of the challenge's file."""
    del kept
    return (split(read_challenge(Path(path)))[0],)
