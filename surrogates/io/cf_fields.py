"""Daily fields on a Gaussian grid as CF-1.11 NetCDF: (time, lat, lon), led by (realization) where samples are several.

The layout is that of model output, with bounds, cell methods, standard names and an explicit calendar, in a year
without a leap day. `jcm_layout` gives the names and the order of axes of jcm's own output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, opened, rows
from .formats import FileFormatError, Format, FormatError
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

FIELDS = {
    "tas": ("air_temperature", "K", "near-surface air temperature"),
    "pr": ("precipitation_flux", "kg m-2 s-1", "precipitation"),
    "ps": ("surface_air_pressure", "Pa", "surface air pressure"),
}
"""Standard name, units and long name by variable."""

JCM = {
    "tas": "surface_flux.t0",
    "pr": "surface_exchange.precipitation",
    "ps": "normalized_surface_pressure",
}
P0 = 1.0e5
"""Pascals that jcm's surface pressure is normalised by."""

YEAR = 2001
"""Of the dates, one without a leap day, which the reference runs in too."""

CALENDAR = "standard"
_DAY = "day_of_year"


def same_days(dataset: xr.Dataset) -> np.ndarray:
    """(n,) bool: the samples that begin on the first one's day of the year; they share the time axis of one file."""
    day = np.asarray(dataset[_DAY].values)
    return day == day[:1] if len(day) else np.zeros(0, dtype=bool)


def write_cf(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write samples that begin on one day of the year.

    Parameters
    ----------
    blocks : iterable of Dataset
        `tas`, `pr`, `ps` (sample, day, lat, lon) and `day_of_year`.
    target : path
    overwrite : bool

    Raises
    ------
    FormatError
        No such fields, or samples that begin on different days.
    OutputError
        The file exists or cannot be written.
    """
    import h5netcdf

    first, stream = opened(blocks)
    _require(first)
    held = iter([first])
    while first.sizes[SAMPLE] == 0 and (more := next(stream, None)) is not None:
        check_same_schema(first, more)
        first, held = more, iter([more])
    second = next(stream, None) if rows(first) < 2 else None
    several = rows(first) != 1 or (second is not None and rows(second) > 0)
    with replacing(Path(target), overwrite=overwrite, sealed=True) as temporary, h5netcdf.File(temporary, "w") as file:
        _begin(file, first, several)
        place = 0
        for block in _chained(held, second, stream):
            check_same_schema(first, block)
            _same_start(first, block)
            place = _append(file, block, place, several)


def _chained(held: Iterator[Any], second: Any, stream: Iterator[Any]) -> Iterator[Any]:
    yield from held
    if second is not None:
        yield second
    yield from stream


def _require(block: xr.Dataset) -> None:
    rows(block)
    missing = [name for name in (*FIELDS, _DAY) if name not in block]
    if missing:
        raise FormatError(f"{missing[0]}: not in the Dataset; the cf format holds daily fields {', '.join(FIELDS)}")


def _same_start(first: xr.Dataset, block: xr.Dataset) -> None:
    days = np.unique(np.concatenate([part[_DAY].values for part in (first, block)]))
    if len(days) > 1:
        raise FormatError(
            f"{_DAY}: samples begin on days {days[0]:g} and {days[-1]:g}; a cf file has one time axis: ask for one "
            "day of the year, or write .nc"
        )


def _begin(file: Any, block: xr.Dataset, several: bool) -> None:
    latitudes, latitude_bounds, longitudes, longitude_bounds = gaussian_cells(block.sizes["lat"], block.sizes["lon"])
    days = block.sizes["day"]
    file.dimensions = {"time": days, "lat": len(latitudes), "lon": len(longitudes), "bnds": 2}
    if several:
        file.dimensions["realization"] = None  # type: ignore[arg-type]
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["title"] = "Daily fields of a climate"
    for key, value in block.attrs.items():
        if key != "Conventions":
            file.attrs[str(key)] = value
    if "source" not in block.attrs:
        file.attrs["source"] = f"{block.attrs.get('plugin', 'unknown')}/{block.attrs.get('recipe', 'surrogate')}"
    if "institution" not in block.attrs:
        file.attrs["institution"] = "surrogates (open-source package)"
    begin = float(block[_DAY].values[0]) - 1.0 if rows(block) else 0.0
    time = begin + np.arange(days) + 0.5
    epoch = {"units": f"days since {YEAR}-01-01", "calendar": CALENDAR, "units_metadata": "leap_seconds: none"}
    _coordinate(file, "time", time, standard_name="time", long_name="time", axis="T", bounds="time_bnds", **epoch)
    _plain(file, "time_bnds", ("time", "bnds"), np.stack([time - 0.5, time + 0.5], 1))
    for name, values, bounds, standard, units, axis in (
        ("lat", latitudes, latitude_bounds, "latitude", "degrees_north", "Y"),
        ("lon", longitudes, longitude_bounds, "longitude", "degrees_east", "X"),
    ):
        _coordinate(
            file,
            name,
            values,
            standard_name=standard,
            long_name=standard,
            units=units,
            axis=axis,
            bounds=f"{name}_bnds",
        )
        _plain(file, f"{name}_bnds", (name, "bnds"), bounds)
    if several:
        variable = file.create_variable("realization", ("realization",), "i4", chunks=(1024,))
        _attributes(variable, standard_name="realization", long_name="number of the sample", units="1")
    height = file.create_variable("height", (), "f8", data=2.0)
    _attributes(height, standard_name="height", long_name="height", units="m", positive="up", axis="Z")
    lead = ("realization",) if several else ()
    for name, (standard, units, long_name) in FIELDS.items():
        chunks = (*((1,) if several else ()), min(days, 30), len(latitudes), len(longitudes))
        variable = file.create_variable(name, (*lead, "time", "lat", "lon"), "f4", chunks=chunks, fletcher32=True)
        more = {"coordinates": "height", "units_metadata": "temperature: on_scale"} if name == "tas" else {}
        _attributes(
            variable, standard_name=standard, long_name=long_name, units=units, cell_methods="area: time: mean", **more
        )


def gaussian_cells(n_latitude: int, n_longitude: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Latitudes, their bounds, longitudes and theirs of a Gaussian grid from south to north, degrees."""
    sines, weights = np.polynomial.legendre.leggauss(n_latitude)
    edges = np.rad2deg(np.arcsin(np.concatenate([[-1.0], np.cumsum(weights)[:-1] - 1.0, [1.0]])))
    longitudes = np.arange(n_longitude) * (360.0 / n_longitude)
    half = 180.0 / n_longitude
    bounds = np.stack([edges[:-1], edges[1:]], 1), np.stack([longitudes - half, longitudes + half], 1)
    return np.rad2deg(np.arcsin(sines)), bounds[0], longitudes, bounds[1]


def _coordinate(file: Any, name: str, values: np.ndarray, **attrs: str) -> None:
    _attributes(file.create_variable(name, (name,), "f8", data=np.asarray(values, "f8")), **attrs)


def _plain(file: Any, name: str, dims: tuple[str, ...], values: np.ndarray) -> None:
    file.create_variable(name, dims, "f8", data=np.asarray(values, "f8"))


def _attributes(variable: Any, **attrs: str) -> None:
    for key, value in attrs.items():
        variable.attrs[key] = value


def _append(file: Any, block: xr.Dataset, place: int, several: bool) -> int:
    count = rows(block)
    if not count:
        return place
    if not several:
        for name in FIELDS:
            file[name][...] = block[name].values[0]
        return place + 1
    file.resize_dimension("realization", place + count)
    samples = block[SAMPLE].values if SAMPLE in block.coords else np.arange(place, place + count)
    file["realization"][place : place + count] = samples.astype("i4")
    for name in FIELDS:
        file[name][place : place + count] = block[name].values
    return place + count


def read_cf(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the samples of a file that `write_cf` wrote, in blocks of at most 64.

    Raises
    ------
    FileFormatError
        A file without these fields.
    """
    import xarray as xr

    try:
        check_seal(Path(path))
        with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as stored:
            missing = [name for name in (*FIELDS, "time") if name not in stored]
            if missing:
                raise FileFormatError(f"{path}: no variable {missing[0]!r}; expected daily fields {', '.join(FIELDS)}")
            whole = stored if "realization" in stored.dims else stored.expand_dims("realization")
            start = float(stored["time"].values[0]) + 0.5
            total = whole.sizes["realization"]
            for first in range(0, max(total, 1), 64):
                part = whole.isel(realization=slice(first, first + 64))
                yield _rows(part, start, stored.attrs)
    except (FileFormatError, GeneratorExit, MemoryError):
        raise
    except Exception as error:  # HDF5 has an error of its own for every way of being damaged
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{path}: does not read as NetCDF ({reason})") from None


def _rows(part: xr.Dataset, start: float, attrs: Any) -> xr.Dataset:
    import xarray as xr

    count = part.sizes["realization"]
    fields = {
        name: (
            (SAMPLE, "day", "lat", "lon"),
            part[name].transpose("realization", "time", "lat", "lon").values,
            {"units": units, "long_name": long_name},
        )
        for name, (_, units, long_name) in FIELDS.items()
    }
    samples = part["realization"].values if "realization" in part.coords else np.arange(count)
    day = (SAMPLE, np.full(count, start), {"units": "1", "long_name": "day of the year of the first day"})
    return xr.Dataset({_DAY: day, **fields}, {SAMPLE: samples.astype("int64")}, dict(attrs))


def jcm_layout(dataset: xr.Dataset) -> xr.Dataset:
    """One sample's days with jcm's names, units and order of axes (time, lon, lat).

    Parameters
    ----------
    dataset : Dataset
        As `write_cf` takes, of one sample.
    """
    import xarray as xr

    _require(dataset)
    if dataset.sizes[SAMPLE] != 1:
        raise FormatError(f"sample: {dataset.sizes[SAMPLE]} samples; expected one, as a run of jcm is")
    one = dataset.isel({SAMPLE: 0})
    latitudes, _, longitudes, _ = gaussian_cells(dataset.sizes["lat"], dataset.sizes["lon"])
    start = np.datetime64(f"{YEAR}-01-01", "ns") + np.timedelta64(round(float(one[_DAY]) - 1.0), "D")
    time = start + np.arange(dataset.sizes["day"]).astype("timedelta64[D]") + np.timedelta64(1, "D")
    made = {}
    for name, theirs in JCM.items():
        values = one[name].values / (P0 if name == "ps" else 1.0)
        made[theirs] = (
            ("time", "lon", "lat"),
            values.swapaxes(1, 2),
            {"units": "1" if name == "ps" else FIELDS[name][1]},
        )
    return xr.Dataset(made, {"time": time, "lon": longitudes, "lat": latitudes})


CF_FIELDS = Format(
    name="cf",
    suffixes=(".cf.nc",),
    description="CF-1.11 NetCDF of daily fields, as climate models write them: (realization, time, lat, lon)",
    write=write_cf,
    read=read_cf,
    holds=same_days,
    leaves_out="the map of sea-surface temperature that was asked",
)
