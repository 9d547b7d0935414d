"""Who comes to intensive care: a public table from which conditions are drawn, and filled in where they are not asked.

Round numbers near those of the PhysioNet/CinC Challenge 2012 (Silva et al. 2012, Computing in Cardiology 39, 245). Age
and sex are independent within a kind of unit, so that any subset of the three conditions the rest exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...noise import draws

if TYPE_CHECKING:
    import xarray as xr

    from ...contract.schema import Schema

SHARE = np.array([0.15, 0.21, 0.35, 0.29])
AGE = ((71.0, 14.0), (67.0, 12.5), (64.0, 17.5), (60.0, 19.0))
MALE = np.array([0.58, 0.64, 0.49, 0.56])
YEARS = np.arange(15, 95)


def _ages() -> np.ndarray:
    middle = YEARS[None, :] + 0.5
    mean, spread = (np.array(column)[:, None] for column in zip(*AGE, strict=True))
    weight = np.exp(-0.5 * ((middle - mean) / spread) ** 2)
    return weight / weight.sum(axis=1, keepdims=True)


AGES = _ages()
"""Probability of each year of age, (unit, year)."""


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Patients of the public table, within the bounds of `schema`."""
    nobody = {name: np.full(n, schema[name].missing) for name in schema.names}
    return complete(schema, schema.dataset(nobody), seed)


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Fill in what was not asked from the table, given what was; what was asked stays."""
    samples = conditions["sample"].values
    u = draws(seed, samples).uniform((4,), "demographics")
    age = conditions["age"].values.astype(np.float64)
    sex, unit = (conditions[name].values.astype(np.int64) for name in ("sex", "unit"))
    low, high = schema["age"].bounds or (15.0, 95.0)
    whole = AGES * np.clip(np.minimum(YEARS + 1, high) - np.maximum(YEARS, low), 0.0, 1.0)
    whole = whole + 1e-12 * ((YEARS + 1 > low) & (YEARS < high))
    weight = np.broadcast_to(SHARE, (len(samples), len(SHARE))).copy()
    known = np.isfinite(age)
    year = np.clip(np.nan_to_num(age, nan=15.0).astype(int) - 15, 0, len(YEARS) - 1)
    weight *= np.where(known[:, None], AGES[:, year].T, whole.sum(axis=1)[None, :])
    weight *= np.where(sex[:, None] < 0, 1.0, np.where(sex[:, None] == 1, MALE, 1.0 - MALE))
    unit = np.where(unit < 0, _chosen(weight, u[:, 0]), unit)
    sex = np.where(sex < 0, (u[:, 1] < MALE[unit]).astype(np.int64), sex)
    drawn = YEARS[_chosen(whole[unit], u[:, 2])]
    start, stop = np.maximum(drawn, low), np.minimum(drawn + 1.0, high)
    age = np.where(known, age, start + u[:, 3] * (stop - start))
    return conditions.assign(
        {
            name: conditions[name].copy(data=values.astype(conditions[name].dtype))
            for name, values in (("age", age), ("sex", sex), ("unit", unit))
        }
    )


def _chosen(weight: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Columns drawn by weight, (n,)."""
    total = np.cumsum(weight, axis=1)
    return np.minimum((u[:, None] * total[:, -1:] >= total).sum(axis=1), weight.shape[1] - 1)
