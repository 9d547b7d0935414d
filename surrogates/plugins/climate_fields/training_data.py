"""Simulated years of observed sea-surface temperature, part by part: training, held-out years and held-out winters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from ...io.atomic import replacing
from . import simulation


@dataclass(frozen=True)
class Part:
    """One run of jcm under observed anomalies: its first day, its length, its member and what it serves."""

    start: str
    days: int
    member: int
    role: str  # "training", "held_out" or "winter"

    @property
    def name(self) -> str:
        """File name within the folder."""
        return f"{self.role}_{self.start}_{self.days}_{self.member}.nc"


def _training(first: int, member: int = 0) -> Part:
    """Two years from July, so that each holds one whole winter of El Nino or La Nina."""
    return Part(f"{first}-07-01", 730, member, "training")


def _held_out(first: int, member: int) -> Part:
    return Part(f"{first}-07-01", 365, member, "held_out")


HELD_OUT = (1988, 1997)
"""First halves of the years from July to June that training never sees: a strong La Nina, a strong El Nino."""

NEUTRAL_WINTERS = (1996, 2012)
"""Winters (December to February) without either, held out too."""

PARTS: tuple[Part, ...] = (
    _held_out(1997, 1000),
    _training(1982),
    _training(1998),
    _held_out(1988, 1000),
    _training(1986),
    _training(2009),
    _held_out(1997, 1001),
    _training(1990),
    _training(2007),
    _held_out(1988, 1001),
    _training(1979),
    _training(2001),
    _training(1984),
    _training(1993),
    _training(2004),
    *(Part(f"{year}-12-01", 90, 1000 + k, "winter") for k in range(2) for year in NEUTRAL_WINTERS),
    *(Part(f"{year}-12-01", 90, 1002 + k, "winter") for k in range(2) for year in HELD_OUT),
    *(Part(f"{year}-12-01", 90, 1002 + k, "winter") for k in range(2) for year in NEUTRAL_WINTERS),
    _training(1999, 1),
    _training(1982, 1),
    _training(1986, 1),
)
"""In the order in which they are simulated, the most useful first."""


def simulate(part: Part, folder: Path) -> Path:
    """Return the part's file in `folder`, simulated and written whole if it is not there."""
    path = folder / part.name
    if not path.exists():
        daily = simulation.daily_means(
            np.datetime64(part.start, "D"), part.days, simulation.observed_anomaly, part.member
        )
        daily.attrs["source"] = "jcm 3.0.0, SPEEDY physics, T31L8, observed sea-surface temperature anomalies"
        with replacing(path, overwrite=False) as temporary:
            daily.to_netcdf(temporary, engine="h5netcdf")
    return path


def simulated(folder: Path, role: str | None = None) -> Iterator[tuple[Part, xr.Dataset]]:
    """Parts that `folder` holds already, in their order, of one role or of all."""
    for part in PARTS:
        if (role is None or part.role == role) and (folder / part.name).exists():
            with xr.open_dataset(folder / part.name, engine="h5netcdf") as stored:
                yield part, stored.load()


def consecutive(daily: xr.Dataset, days: int, every: int | None = None) -> xr.Dataset:
    """Rows of `days` consecutive days of a run, one starting at every so many days, with their conditions.

    Returns
    -------
    Dataset
        `tas`, `pr`, `ps` (sample, day, lat, lon) and `evaporation`; `day_of_year`, `n_days` and `sst_anomaly`.
    """
    dates = daily["time"].values.astype("datetime64[D]")
    first = np.arange(0, len(dates) - days + 1, every or days)
    rows = first[:, None] + np.arange(days)
    start = dates[first]
    middle = start + np.timedelta64(days // 2, "D")
    found = {
        name: (("sample", "day", "lat", "lon"), daily[name].values[rows]) for name in ("tas", "pr", "ps", "evaporation")
    }
    return xr.Dataset(
        {
            **found,
            "day_of_year": ("sample", (start - start.astype("datetime64[Y]")).astype(int) + 1.0),
            "n_days": ("sample", np.full(len(first), days, dtype="int32")),
            "sst_anomaly": (
                ("sample", "lat", "lon"),
                simulation.on_day(simulation.observed_anomaly, middle).astype("float32"),
            ),
        },
        coords={"sample": np.arange(len(first)), "lat": daily["lat"], "lon": daily["lon"]},
    )


def training_pool(folder: Path, parts: int) -> xr.Dataset:
    """Pairs of consecutive days of the first so many training runs; those that `folder` lacks are simulated."""
    from ...counting import counted

    chosen = [part for part in PARTS if part.role == "training"][:parts]
    rows = []
    for part in counted(iter(chosen), "two years of jcm", len(chosen)):
        with xr.open_dataset(simulate(part, folder), engine="h5netcdf") as stored:
            rows.append(consecutive(stored.load(), 2).drop_vars("evaporation"))
    joined = xr.concat(rows, "sample", data_vars="all", coords="minimal", compat="override", join="override")
    return joined.assign_coords(sample=np.arange(joined.sizes["sample"]))
