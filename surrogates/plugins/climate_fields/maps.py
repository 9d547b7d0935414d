"""Maps of the ocean that a user gives, on any regular grid, brought onto the model's own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...physics.climate.gaussian_grid import T31
from ...physics.climate.regridding import GridError, conservative
from .ocean import ocean

if TYPE_CHECKING:
    import xarray as xr

NAME = "sst_anomaly"
_NAMES = {"lat": ("lat", "latitude", "nav_lat", "y"), "lon": ("lon", "longitude", "nav_lon", "x")}
_DEGREES = {"", "k", "kelvin", "degk", "degc", "deg_c", "celsius", "degree_celsius", "degrees_celsius", "degree_c", "c"}
_WARMEST = 12.0
"""Kelvin: a map whose mean over the sea is beyond it holds temperatures, not anomalies."""


def anomaly_map(value: Any) -> np.ndarray:
    """Anomalies of sea-surface temperature on the model's grid, from what a user gave.

    Parameters
    ----------
    value : DataArray or array
        A map with coordinates of latitude and longitude, in either order, from -180 or 0; or values (…, 48, 96) on the
        model's own grid. Degrees Celsius and kelvin are alike for a difference. Several times are
        averaged, with a warning.

    Returns
    -------
    numpy.ndarray
        (…, 48, 96) kelvin; NaN where the map has no value.

    Raises
    ------
    SchemaError
        No regular grid, another unit, or temperatures in place of anomalies.
    """
    if not hasattr(value, "dims"):
        return _plain(value)
    units = str(value.attrs.get("units", "")).strip().lower().replace(" ", "_")
    if units not in _DEGREES:
        raise SchemaError(
            f"{NAME}: unit {value.attrs['units']!r}; expected K or degC, which are alike for a difference"
        )
    axes = {axis: _axis(value, names) for axis, names in _NAMES.items()}
    if None in axes.values():
        if value.shape[-2:] == (T31.n_latitude, T31.n_longitude):
            return np.asarray(value.values, dtype=np.float64)
        raise SchemaError(f"{NAME}: dimensions {tuple(value.dims)} without latitudes and longitudes; expected both")
    for name in [dim for dim in value.dims if dim not in (*axes.values(), "sample")]:
        if value.sizes[name] > 1:
            warnings.warn(f"{NAME}: {value.sizes[name]} maps along {name} are averaged", stacklevel=2)
        value = value.mean(name)
    value = value.transpose(..., axes["lat"], axes["lon"])
    values = np.asarray(value.values, dtype=np.float64)
    _refuse_temperatures(values)
    return _on_grid(values, value[axes["lat"]].values, value[axes["lon"]].values)


def _plain(value: Any) -> np.ndarray:
    """Values on the model's own grid, as they are."""
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError.about(
            NAME, f"{value!r} holds no numbers", "a map of latitudes and longitudes, K, or the path of one", value=value
        ) from None
    _refuse_temperatures(values)
    return values


def _axis(value: xr.DataArray, names: tuple[str, ...]) -> str | None:
    return next((str(dim) for dim in value.dims if str(dim).lower() in names and dim in value.coords), None)


def _refuse_temperatures(values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    if values.ndim == 2 and values.size and not finite.size:
        raise SchemaError(f"{NAME}: no cell has a value; expected an anomaly, -6 to 6 K, or leave it out")
    if finite.size and abs(float(np.median(finite))) > _WARMEST:
        raise SchemaError(
            f"{NAME}: values around {float(np.median(finite)):.1f} are temperatures; expected their difference from "
            "the climatology of 1981 to 2010, -6 to 6 K"
        )


def _on_grid(values: np.ndarray, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    same = values.shape[-2:] == (T31.n_latitude, T31.n_longitude)
    if same and np.allclose(latitudes, T31.latitudes, atol=0.01) and np.allclose(longitudes, T31.longitudes, atol=0.01):
        return values
    try:
        found = conservative(values, latitudes, longitudes)
    except GridError as error:
        raise SchemaError(f"{NAME}: {error}") from None
    warnings.warn(f"{NAME}: regridded from {values.shape[-2]} x {values.shape[-1]} cells", stacklevel=3)
    return _to_the_coast(found)


def _to_the_coast(maps: np.ndarray) -> np.ndarray:
    """Fill cells that hold some sea and got no value, as coasts differ between grids, from their neighbours; twice."""
    for _ in range(2):
        gaps = np.isnan(maps) & ocean().sea
        if not gaps.any():
            break
        near = [np.roll(maps, shift, axis) for shift in (-1, 1) for axis in (-1, -2)]
        seen = np.stack([np.isfinite(part) for part in near])
        total = np.stack([np.nan_to_num(part) for part in near]).sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            maps = np.where(gaps & seen.any(0), total / seen.sum(0), maps)
    return maps
