"""What a climatologist reads off maps, a number each: rain areas, gradients, spectra, storms, day-to-day change.

They are what the two-sample classifiers look at, and what the figures of texture average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.climate.gaussian_grid import T31
from ...physics.climate.rain_objects import WET, neighbour_agreement, object_statistics
from .ocean import ocean

if TYPE_CHECKING:
    import xarray as xr

BANDS = {"south": (-70.0, -20.0), "tropics": (-20.0, 20.0), "north": (20.0, 70.0)}
"""Latitudes that are looked at apart."""

SCALES = ((1, 4), (5, 10), (11, 17), (18, 25), (26, 31))
"""Degrees of the spherical harmonics whose power is summed."""

OBJECTS = ("number", "mean_area", "largest_area", "elongation")
SECONDS = 86_400.0


def _names() -> tuple[str, ...]:
    names = [f"rain_areas_{name}" for name in OBJECTS]
    names += ["rain_mean", "wet_share"]
    for band in BANDS:
        names += [f"agreement_zonal_{band}", f"agreement_meridional_{band}", f"wet_share_{band}"]
        names += [f"gradient_zonal_{band}", f"gradient_meridional_{band}", f"rain_{band}", f"pressure_spread_{band}"]
        names += [f"rain_in_lows_{band}", f"pressure_at_downpours_{band}"]
    for variable in ("tas", "slp", "root"):
        names += [f"power_{variable}_{low}_{high}" for low, high in SCALES]
    return tuple(names)


NAMES = _names()
CHANGES = tuple(
    [f"change_{variable}_{band}" for variable in ("tas", "slp", "root") for band in BANDS]
    + [f"kept_{variable}_{band}" for variable in ("tas", "slp", "root") for band in BANDS]
    + [f"onset_{band}" for band in BANDS]
    + [f"change_{variable}_{low}_{high}" for variable in ("slp", "root") for low, high in SCALES]
)
"""Names of the features of two consecutive days."""


def sea_level(dataset: xr.Dataset) -> np.ndarray:
    """Pressure at sea level, Pa, of every day, with the shape of `ps`."""
    import torch

    from ...physics.climate.diagnostics import sea_level_pressure

    pressure, temperature = (torch.as_tensor(dataset[name].values).float() for name in ("ps", "tas"))
    return sea_level_pressure(pressure, temperature, torch.as_tensor(ocean().height).float()).numpy()


def scale_power(maps: np.ndarray) -> np.ndarray:
    """Logarithm of the power of maps (n, latitude, longitude) in each of `SCALES`, (n, 5)."""
    import torch

    from ...physics.climate.harmonics import power

    found = power(torch.as_tensor(np.ascontiguousarray(maps)).float()).numpy()
    return np.log(np.stack([found[:, low : high + 1].sum(1) for low, high in SCALES], 1) + 1e-12)


def _rows(band: str) -> np.ndarray:
    low, high = BANDS[band]
    return np.flatnonzero((T31.latitudes > low) & (T31.latitudes < high))


def daily(tas: np.ndarray, pr: np.ndarray, slp: np.ndarray) -> np.ndarray:
    """(n, features) of n days' maps (n, latitude, longitude) each; see `NAMES`."""
    weights = T31.cell_weights()
    root = np.sqrt(np.maximum(pr, 0.0) * SECONDS)
    wet = pr >= WET
    columns = [*np.stack([object_statistics(day, weights) for day in pr]).T]
    columns += [(pr * weights).sum((1, 2)) * SECONDS, (wet * weights).sum((1, 2))]
    for band in BANDS:
        rows = _rows(band)
        area = weights[rows] / weights[rows].sum()
        here, rain, low = root[:, rows], pr[:, rows] * SECONDS, slp[:, rows]
        columns += [*neighbour_agreement(pr[:, rows]).T, (wet[:, rows] * area).sum((1, 2))]
        columns += [np.abs(here - np.roll(here, 1, -1)).mean((1, 2)), np.abs(np.diff(here, axis=1)).mean((1, 2))]
        anomaly = low - (low * area).sum((1, 2), keepdims=True)
        anomaly = anomaly - anomaly.mean(-1, keepdims=True)
        columns += [(rain * area).sum((1, 2)), np.sqrt((anomaly**2 * area).sum((1, 2)))]
        deep = anomaly <= np.quantile(anomaly, 0.05, axis=(1, 2), keepdims=True)
        columns += [(rain * deep).sum((1, 2)) / deep.sum((1, 2))]
        heavy = rain >= np.quantile(rain, 0.98, axis=(1, 2), keepdims=True)
        columns += [(anomaly * heavy).sum((1, 2)) / heavy.sum((1, 2))]
    for maps in (tas, slp / 100.0, root):
        columns += [*scale_power(maps).T]
    return np.stack(columns, 1).astype("float64")


def changes(tas: np.ndarray, pr: np.ndarray, slp: np.ndarray) -> np.ndarray:
    """(n, features) of pairs of days (n, 2, latitude, longitude); see `CHANGES`."""
    root, wet = np.sqrt(np.maximum(pr, 0.0) * SECONDS), pr >= WET
    columns, kept = [], []
    for maps in (tas, slp / 100.0, root):
        for band in BANDS:
            first, second = (maps[:, day, _rows(band)] for day in range(2))
            columns.append(np.log(np.sqrt(((second - first) ** 2).mean((1, 2))) + 1e-6))
            first, second = (part - part.mean(-1, keepdims=True) for part in (first, second))
            spread = np.sqrt((first**2).mean((1, 2)) * (second**2).mean((1, 2))) + 1e-9
            kept.append((first * second).mean((1, 2)) / spread)
    columns += kept
    columns += [(wet[:, 1, _rows(band)] & ~wet[:, 0, _rows(band)]).mean((1, 2)) for band in BANDS]
    for maps in (slp / 100.0, root):
        columns += [*scale_power(maps[:, 1] - maps[:, 0]).T]
    return np.stack(columns, 1).astype("float64")


def high_level(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of each sample's first day."""
    slp = sea_level(dataset)[:, 0]
    return daily(dataset["tas"].values[:, 0], dataset["pr"].values[:, 0], slp), NAMES


def two_days(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of each sample's first two days."""
    slp = sea_level(dataset)[:, :2]
    return changes(dataset["tas"].values[:, :2], dataset["pr"].values[:, :2], slp), CHANGES
