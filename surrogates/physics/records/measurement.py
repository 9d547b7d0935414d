"""What of a patient's course is measured, when, and how it is written down: missing values that are not at random.

Nurses chart vital signs, laboratories answer orders, and both do so more often the sicker a patient looks: whether a
value is there depends on that value. Readings are rounded as instruments and laboratories do, then averaged (urine:
summed) within bins of four hours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .patients import HOURS, Course

BINS = 12
LINE = np.array([0.60, 0.94, 0.45, 0.76])
"""Share of stays with an arterial line, by kind of unit."""
CHARTED = np.array([0.45, 0.05, 0.38, 0.28])
"""Share of stays whose breaths are charted, by kind of unit."""
HEIGHT_KNOWN = np.array([0.60, 0.95, 0.29, 0.42])
"""Share of stays whose height is written down, by kind of unit."""

CHEMISTRY = ("creatinine", "blood_urea_nitrogen", "glucose", "potassium", "sodium")
HAEMATOLOGY = ("haematocrit", "white_cells", "platelets")
ARTERIAL = ("mean_arterial_pressure", "systolic_arterial_pressure")

RESOLUTION = {
    "heart_rate": 1.0,
    "noninvasive_systolic_pressure": 1.0,
    "temperature": 0.1,
    "respiratory_rate": 1.0,
    "glasgow_coma_scale": 1.0,
    "urine_output": 5.0,
    "creatinine": 0.1,
    "blood_urea_nitrogen": 1.0,
    "glucose": 1.0,
    "haematocrit": 0.1,
    "potassium": 0.1,
    "sodium": 1.0,
    "white_cells": 0.1,
    "platelets": 1.0,
    "mean_arterial_pressure": 1.0,
    "systolic_arterial_pressure": 1.0,
}
"""Steps in which each reading is written down, in its units."""


def observed(found: Course, unit: np.ndarray, draws: Any) -> dict[str, np.ndarray]:
    """Records of stays: bins of four hours, (n, 12) each, NaN where nothing was measured.

    Parameters
    ----------
    found : Course
    unit : ndarray
        Kind of unit, (n,).
    draws : Draws

    Returns
    -------
    dict of ndarray
        By name, in the order of `RESOLUTION`.
    """
    n, hours = len(unit), HOURS // BINS
    stay = draws.uniform((4,), "monitoring")
    hour = draws.uniform((HOURS, 14), "readings")
    noise = draws.normal((HOURS, 3), "cuff")
    sick = np.clip(found.severity - 2.0, -1.0, 4.0)
    line = (stay[:, 0] < np.clip(LINE[unit] + 0.08 * (sick[:, 0] + found.pressor[:, 6]), 0.02, 0.99))[:, None]
    placed = (1.0 + 7.0 * stay[:, 1] * (stay[:, 1] > 0.4))[:, None]
    pulled = (HOURS * (0.35 + 1.6 * stay[:, 2]) + 8.0 * sick[:, 0])[:, None]
    clock = np.arange(HOURS)[None, :]
    lined = line & (clock >= placed) & (clock < np.maximum(pulled, 6.0))
    charted = (stay[:, 3] < CHARTED[unit])[:, None]
    unstable = np.abs(found.values["mean_arterial_pressure"] - 80.0) / 30.0
    there = {
        "heart_rate": hour[..., 0] < 0.86,
        "temperature": hour[..., 1] < 0.34 + 0.12 * (np.abs(found.values["temperature"] - 37.0) > 0.8),
        "respiratory_rate": charted & (hour[..., 2] < 0.85),
        "glasgow_coma_scale": (hour[..., 3] < 0.26 + 0.10 * (found.values["glasgow_coma_scale"] < 12.0))
        | (clock % 4 == 0) & (hour[..., 3] < 0.8),
        "urine_output": hour[..., 4] < 0.55 + 0.2 * (sick > 0.5),
        "noninvasive_systolic_pressure": hour[..., 5] < np.where(lined, 0.05 + 0.05 * unstable, 0.62 + 0.15 * unstable),
    }
    arterial = lined & (hour[..., 6] < 0.92)
    panel = _ordered(hour[..., 7], sick, found.values["potassium"], 4.2, 0.9)
    count = _ordered(hour[..., 8], sick, found.values["haematocrit"], 31.0, 9.0) | (panel & (hour[..., 9] < 0.62))
    there |= dict.fromkeys(CHEMISTRY, panel & (hour[..., 10] < 0.97))
    there["glucose"] = there["glucose"] | (hour[..., 11] < 0.015 + 0.04 * (found.values["glucose"] > 180.0))
    there["potassium"] = there["potassium"] | (hour[..., 12] < 0.04 * (found.values["potassium"] < 3.5))
    there |= dict.fromkeys(HAEMATOLOGY, count & (hour[..., 13] < 0.96))
    there["haematocrit"] = there["haematocrit"] | (hour[..., 12] < 0.04 + 0.08 * (found.values["haematocrit"] < 26.0))
    there |= dict.fromkeys(ARTERIAL, arterial)
    cuff = found.values["systolic_arterial_pressure"] * 0.97 + 3.0 + 6.0 * noise[..., 0]
    true = {**found.values, "noninvasive_systolic_pressure": np.maximum(cuff, 40.0)}
    true["heart_rate"] = true["heart_rate"] + 1.5 * noise[..., 1]
    records = {}
    for name, resolution in RESOLUTION.items():
        read = np.where(there[name], np.maximum(np.rint(true[name] / resolution), 0.0) * resolution, 0.0)
        taken = there[name].reshape(n, BINS, hours).sum(axis=2)
        total = read.reshape(n, BINS, hours).sum(axis=2)
        value = total if name == "urine_output" else total / np.maximum(taken, 1)
        records[name] = np.where(taken > 0, value, np.nan)
    return records


def _ordered(u: np.ndarray, sick: np.ndarray, value: np.ndarray, normal: float, spread: float) -> np.ndarray:
    """Hours at which a panel is drawn: on admission, each morning, and the sooner the sicker and the more abnormal."""
    clock = np.arange(HOURS)[None, :]
    routine = np.where(clock < 3, 0.16, np.where(np.isin(clock % 24, (8, 9, 10)), 0.10, 0.045))
    abnormal = np.minimum(np.abs(value - normal) / spread, 3.0)
    return u < np.clip(routine + 0.012 * sick + 0.02 * abnormal, 0.005, 0.9)
