"""The reference: the embedded patient simulator, run forward from who comes to which unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...noise import draws
from ...physics.records.measurement import HEIGHT_KNOWN, observed
from ...physics.records.patients import course, died, stature
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

BLOCK = 1024
"""Stays simulated at a time: what they need stays in the processor's cache."""


class PatientSimulator:
    """Two days of intensive care, hour by hour, and the outcome."""

    conditions, outputs = CONDITIONS, OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate one stay a row; a row depends on (seed, its `sample` coordinate, its conditions) alone."""
        n = conditions.sizes["sample"]
        parts = [self._part(conditions.isel(sample=slice(i, i + BLOCK)), seed) for i in range(0, max(n, 1), BLOCK)]
        values = {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS.names}
        outputs = OUTPUTS.dataset(values, conditions["sample"].values)
        return outputs.assign({name: conditions[name] for name in CONDITIONS.names})

    def _part(self, conditions: xr.Dataset, seed: int) -> dict[str, np.ndarray]:
        own = draws(seed, conditions["sample"].values)
        age = conditions["age"].values.astype(np.float64)
        male, unit = conditions["sex"].values == 1, conditions["unit"].values.astype(np.int64)
        found = course(age, male, unit, own)
        height, weight = stature(male, age, own)
        known = own.uniform((2,), "stature known")
        values = observed(found, unit, own)
        bounded = {name: np.clip(array, *OUTPUTS[name].bounds) for name, array in values.items()}  # type: ignore[misc]
        return {
            "height": np.where(known[:, 0] < HEIGHT_KNOWN[unit], np.round(height / 2.54) * 2.54, np.nan),
            "body_weight": np.where(known[:, 1] < 0.92, np.round(weight, 1), np.nan),
            "outcome": died(age, unit, found, own),
            **bounded,
        }
