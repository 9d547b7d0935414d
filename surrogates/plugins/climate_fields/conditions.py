"""What may be asked of a climate: draws of the season and the ocean, and how a partial request is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Limit, Schema
from ...physics.climate.enso import nino34
from .ocean import ocean
from .variables import YEAR

if TYPE_CHECKING:
    import xarray as xr

_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
AGREEMENT = 0.02
"""Kelvin by which a given index may differ from that of a given map."""


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Single days at all seasons, over the ocean of an observed month of that season."""
    random = np.random.default_rng([seed, 4801])
    low, high = schema["day_of_year"].bounds or (1.0, 366.0)
    day = np.floor(random.uniform(np.ceil(low), min(np.floor(high), 365.0) + 1.0, n))
    maps = np.stack([_observed(value, random) for value in day]) if n else np.empty((0, *ocean().land.shape))
    low, high = schema["sst_anomaly"].bounds or (-6.0, 6.0)
    maps = np.clip(maps, low, high)
    fewest = np.ceil((schema["n_days"].bounds or (1, 1))[0])
    return schema.dataset(
        {"day_of_year": day, "n_days": np.full(n, fewest), "sst_anomaly": maps, "nino34": nino34(maps)}
    )


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Fill in a day of the year, and a map of the ocean from its index or from an observed month."""
    values = {name: conditions[name].values.copy() for name in schema.names}
    for row, sample in enumerate(conditions["sample"].values):
        random = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, int(sample) & 0xFFFFFFFF, 4802])
        if np.isnan(values["day_of_year"][row]):
            values["day_of_year"][row] = random.integers(1, 366)
        anomaly, index = values["sst_anomaly"][row], values["nino34"][row]
        if np.isnan(anomaly).all():
            anomaly = _observed(values["day_of_year"][row], random) if np.isnan(index) else pattern(index)
        anomaly = np.where(np.isnan(anomaly) & ~ocean().sea, 0.0, anomaly)
        values["sst_anomaly"][row] = anomaly
        if np.isnan(index):
            values["nino34"][row] = np.clip(nino34(anomaly), *(schema["nino34"].bounds or (-np.inf, np.inf)))
    filled = schema.dataset(values, conditions["sample"].values)
    return conditions.assign({name: filled[name] for name in schema.names})


def pattern(index: float) -> np.ndarray:
    """Anomaly of the ocean that goes with a Nino3.4 index, K, (48, 96)."""
    return np.clip(index * ocean().nino34_pattern, -6.0, 6.0)


def _observed(day: float, random: np.random.Generator) -> np.ndarray:
    month = int(np.searchsorted(_DAYS_BEFORE, (day - 1.0) % YEAR, side="right")) - 1
    months = np.flatnonzero(ocean().free)
    months = months[months % 12 == min(month, 11)]
    return np.clip(ocean().observed(int(random.choice(months))) * ocean().sea, -6.0, 6.0)


def _indices_agree(values) -> np.ndarray:
    maps, index = values["sst_anomaly"], values["nino34"]
    known = np.isfinite(maps).all((-2, -1)) & np.isfinite(index)
    found = nino34(np.nan_to_num(maps))
    return ~known | (np.abs(np.clip(found, -6.0, 6.0) - index) <= AGREEMENT)


def _sea_is_whole(values) -> np.ndarray:
    maps = values["sst_anomaly"]
    return np.isfinite(maps[:, ocean().sea]).all(1) | np.isnan(maps).all((-2, -1))


LIMITS = (
    Limit(("sst_anomaly",), _sea_is_whole, "an anomaly at every cell that holds some sea (NaN may stand on land)"),
    Limit(
        ("nino34", "sst_anomaly"),
        _indices_agree,
        f"a Nino3.4 index within {AGREEMENT} K of the map's own mean over 5S-5N, 170W-120W; give one of the two",
    ),
)
