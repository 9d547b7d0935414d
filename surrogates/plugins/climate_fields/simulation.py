"""Daily means of jcm (SPEEDY physics at T31, eight levels) under prescribed sea-surface temperature."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

SPIN_UP = 75
"""Days that a run discards: it starts from an atmosphere at rest."""

SEGMENT = 5
"""Days that are integrated in one call, all of one compiled shape."""

LARGEST_ANOMALY = 6.0
"""Kelvin; the packaged anomalies reach -23 K and +18 K at the edge of the sea ice."""

EXCESS_PRESSURE = 0.983
"""Of the initial state, which has 17 hPa too much air: its surface pressure is multiplied by this."""

Anomaly = Callable[[np.ndarray], np.ndarray]
"""Mid-month dates (m,) datetime64[D] -> anomalies of sea-surface temperature (m, latitude, longitude), kelvin."""

_DIAGNOSED = {  # our names, jcm's term and field
    "tas": ("_surface_flux", "t0"),
    "pr": ("surface_exchange", "precipitation"),
    "evaporation": ("surface_exchange", "evaporation"),
}


def _keep_compiled() -> None:
    """Keep compiled code between processes (half a minute each), unless the user has said where or not to."""
    import jax  # type: ignore

    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(cache / "surrogates" / "jax"))


def _packaged(name: str) -> xr.Dataset:
    from importlib.resources import as_file, files

    with as_file(files("jcm") / "data/bc/t30" / name) as path, xr.open_dataset(path) as stored:
        return stored.load()


@functools.cache
def climatology() -> xr.Dataset:
    """Monthly boundary values of jcm (lon, lat, time), latitudes ascending."""
    return _packaged("clim/forcing.nc").sortby("lat")


@functools.cache
def land_fraction() -> np.ndarray:
    """Share of land of each cell, (latitude ascending, longitude)."""
    return _packaged("clim/terrain.nc").sortby("lat")["lsm"].transpose("lat", "lon").values


def height() -> np.ndarray:
    """Height of the surface, m, (latitude ascending, longitude)."""
    return _packaged("clim/terrain.nc").sortby("lat")["orog"].transpose("lat", "lon").values


def sea_ice(dates: np.ndarray) -> np.ndarray:
    """Climatological share of ice at mid-month `dates`, (m, latitude, longitude)."""
    months = dates.astype("datetime64[M]").astype(int) % 12
    return climatology()["icec"].transpose("time", "lat", "lon").values[months]


def open_water(anomaly: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """Keep an anomaly where there is open water, within the largest believable one."""
    clipped = np.clip(anomaly, -LARGEST_ANOMALY, LARGEST_ANOMALY)
    return clipped * (1.0 - np.clip(sea_ice(dates), 0.0, 1.0)) * (land_fraction() < 0.99)


@functools.cache
def _observed() -> xr.DataArray:
    stored = _packaged("anom/sea_surface_temperature_anomaly.nc")["ssta"]
    return stored.sortby("lat").transpose("time", "lat", "lon")


def observed_anomaly(dates: np.ndarray) -> np.ndarray:
    """Observed anomalies of 1979 to 2013 (relative to 1981-2010) at mid-month `dates`, kelvin.

    Raises
    ------
    ValueError
        For a month outside these years.
    """
    months = dates.astype("datetime64[M]")
    first = np.datetime64("1979-01", "M")
    place = (months - first).astype(int)
    if place.min() < 0 or place.max() >= _observed().sizes["time"]:
        raise ValueError(f"months {months.min()} to {months.max()}: observed anomalies span 1979-01 to 2013-12")
    return open_water(_observed().values[place], dates)


def mid_months(first: np.datetime64, last: np.datetime64) -> np.ndarray:
    """Middles of the months that bracket the days from `first` to `last`, datetime64[D]."""
    month, end = first.astype("datetime64[M]") - 1, last.astype("datetime64[M]") + 1
    return np.arange(month, end + 1).astype("datetime64[D]") + 15


def on_day(anomaly: Anomaly, days: np.ndarray) -> np.ndarray:
    """Anomaly on each of `days` (datetime64[D]), linear between the middles of the months, as jcm interpolates."""
    middles = mid_months(days.min(), days.max())
    maps = anomaly(middles)
    upper = np.clip(np.searchsorted(middles, days, side="right"), 1, len(middles) - 1)
    share = ((days - middles[upper - 1]) / (middles[upper] - middles[upper - 1]))[:, None, None]
    return (1.0 - share) * maps[upper - 1] + share * maps[upper]


@functools.cache
def _model(truncation: int) -> Any:
    """The model, its terrain and a flag-free initial clock; one instance, since a second one compiles again."""
    _keep_compiled()
    from importlib.resources import as_file, files

    from jcm.model import Model  # type: ignore
    from jcm.physics.speedy.speedy_coords import get_speedy_coords  # type: ignore
    from jcm.terrain import TerrainData  # type: ignore

    class SurfaceModel(Model):
        """Averages surface pressure alone of the dynamics: all of its fields on the grid cost a sixth of the run."""

        def _post_process(self, state: Any, physics_state: Any, output_averages: bool) -> Any:
            saved = super()._post_process(state, physics_state, output_averages)
            return saved.replace(dynamics={"pressure": saved.dynamics.normalized_surface_pressure})

    coords = get_speedy_coords(spectral_truncation=truncation)
    with as_file(files("jcm") / "data/bc/t30/clim/terrain.nc") as path:
        terrain = TerrainData.from_file(path, coords=coords)
    return SurfaceModel(coords=coords, terrain=terrain)


def _initial_state(model: Any, member: int) -> Any:
    """An atmosphere at rest with the member's small noise in its surface pressure, and the air that the model keeps."""
    grid = model.coords.horizontal
    state = model.initial_state(random_seed=member)
    pressure = grid.to_nodal(state.log_surface_pressure) + np.log(EXCESS_PRESSURE)
    state.log_surface_pressure = grid.to_modal(pressure)
    return state


def _forcing(model: Any, anomaly: Anomaly, first: np.datetime64, last: np.datetime64) -> Any:
    from jcm.forcing import ForcingData  # type: ignore

    dates = mid_months(first, last)[-4:]  # always four, so that one compiled shape serves
    if len(dates) < 4:
        dates = np.concatenate([dates, (dates[-1:].astype("datetime64[M]") + 1).astype("datetime64[D]") + 15])
    fields = climatology().isel(time=dates.astype("datetime64[M]").astype(int) % 12).copy()
    fields = fields.assign_coords(time=dates.astype("datetime64[ns]"))
    fields["sst"] = fields["sst"] + xr.DataArray(
        anomaly(dates).astype("float32"), dims=("time", "lat", "lon")
    ).transpose("lon", "lat", "time")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return ForcingData.from_dataset(fields, coords=model.coords, align_mode="by_date_interp")


def daily_means(
    start: np.datetime64, days: int, anomaly: Anomaly, member: int, *, truncation: int = 31, spin_up: int = SPIN_UP
) -> xr.Dataset:
    """Run jcm and average each day.

    Parameters
    ----------
    start : datetime64[D]
        First day that is kept; the run starts `spin_up` days before.
    days : int
    anomaly : callable
        Anomaly of sea-surface temperature by month, on the 48 x 96 grid with ascending latitudes.
    member : int
        Another one is another realisation of the same forcing.
    truncation : int
        31 (96 x 48) or 21 (64 x 32).
    spin_up : int
        Days that are run and dropped first.

    Returns
    -------
    Dataset
        (time, lat, lon), float32: `tas` [K], air temperature extrapolated to the surface; `pr` and `evaporation`
        [kg m-2 s-1]; `ps` [Pa].
    """
    import jax  # type: ignore
    import jax_datetime  # type: ignore
    from jcm.constants import p0  # type: ignore

    model = _model(truncation)
    begin = start - np.timedelta64(spin_up, "D")
    state, carry, step = _initial_state(model, member), model.initial_physics_carry(), None
    time = jax_datetime.to_datetime(str(begin))
    kept: dict[str, list[np.ndarray]] = {name: [] for name in (*_DIAGNOSED, "ps")}
    forcing, window = None, None
    for day in range(0, spin_up + days, SEGMENT):
        first = begin + np.timedelta64(day, "D")
        last = first + np.timedelta64(SEGMENT, "D")
        if window != (window := (first.astype("datetime64[M]"), last.astype("datetime64[M]"))):
            forcing = _forcing(model, anomaly, first, last)
        run, predictions = model.run_from_state_with_carry(
            state,
            forcing,
            save_interval=1.0,
            total_time=SEGMENT,
            output_averages=True,
            initial_physics_state=carry,
            initial_time=time,
            initial_step=jax.numpy.int32(0) if step is None else step,
        )
        state, carry, time, step = run.dynamics, run.physics, run.time, run.step
        keep = slice(max(0, spin_up - day), spin_up + days - day)
        if keep.start < SEGMENT:
            named = {
                **{name: getattr(predictions.physics[term], of) for name, (term, of) in _DIAGNOSED.items()},
                "ps": predictions.dynamics["pressure"] * p0,
            }
            for name, value in named.items():
                kept[name].append(np.asarray(value, dtype="float32")[keep])
    units = {"tas": "K", "pr": "kg m-2 s-1", "evaporation": "kg m-2 s-1", "ps": "Pa"}
    grid = model.coords.horizontal
    result = xr.Dataset(
        {
            name: (("time", "lat", "lon"), np.concatenate(parts).swapaxes(1, 2), {"units": units[name]})
            for name, parts in kept.items()
        },
        coords={
            "time": start + np.arange(days).astype("timedelta64[D]"),
            "lat": np.rad2deg(np.asarray(grid.latitudes, dtype="float64")),
            "lon": np.rad2deg(np.asarray(grid.longitudes, dtype="float64")),
        },
    )
    if not all(np.isfinite(result[name].values).all() for name in result.data_vars):
        raise ValueError(f"jcm left its stable range in a run from {begin} (member {member}); try another member")
    return result
