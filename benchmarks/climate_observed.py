"""Draw the climate of `climate-fields` and of its reference beside the Earth's, as context: it is SPEEDY's climate.

python benchmarks/climate_observed.py --observed FOLDER --reference truth.nc --output climate-observed.png

`FOLDER` holds monthly climatologies in NetCDF: gpcp_pr_climatology.nc (precipitation, Adler et al. 2003, J.
Hydrometeorol. 4, 1147), eraint_tas_climatology.nc (2 m temperature, Dee et al. 2011, Q. J. R. Meteorol. Soc. 137, 553)
and hadisst_tos_climatology.nc (sea-surface temperature, Rayner et al. 2003, J. Geophys. Res. 108, 4407). The surrogate
draws days at the conditions of the reference's, which ``benchmarks/climate_truths.py`` writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.physics.climate.gaussian_grid import T31
from surrogates.plugins.climate_fields.figure import OURS, THEIRS, coasts
from surrogates.plugins.climate_fields.ocean import ocean

FILES = {"pr": "gpcp_pr_climatology.nc", "tas": "eraint_tas_climatology.nc", "tos": "hadisst_tos_climatology.nc"}
EARTH = "#0072B2"
SECONDS = 86_400.0
SEASONS = {"January": (1.0, 31.0), "July": (182.0, 212.0)}


def observed(folder: Path) -> dict[str, xr.DataArray]:
    """Monthly climatologies (time, lat, lon), latitudes ascending, longitudes 0 to 360."""
    found = {}
    for name, file in FILES.items():
        with xr.open_dataset(folder / file, decode_times=False) as stored:
            field = stored[name].load().sortby("lat")
            found[name] = field.assign_coords(lon=field["lon"] % 360.0).sortby("lon")
    return found


def days(dataset: xr.Dataset) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Day of the year (n,) and fields (n, lat, lon) of samples."""
    fields = {name: dataset[name].values.astype("float64") for name in ("tas", "pr")}
    place = (dataset["day_of_year"].values[:, None] + np.arange(fields["tas"].shape[1]) - 1.0) % 365.0 + 1.0
    return place.ravel(), {name: field.reshape(-1, *field.shape[2:]) for name, field in fields.items()}


def season(found: tuple[np.ndarray, dict[str, np.ndarray]], name: str, low: float, high: float) -> np.ndarray:
    """Zonal mean of a field over the days within a season."""
    return found[1][name][(found[0] >= low) & (found[0] <= high)].mean((0, 2))


@click.command(help=__doc__)
@click.option("--observed", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--reference", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--every", default=2, show_default=True, help="The surrogate draws at every so many conditions.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
def main(folder: Path, reference: Path, every: int, output: Path) -> None:
    from matplotlib.figure import Figure

    earth = observed(folder)
    truth = surrogates.read(reference)
    theirs = days(truth)
    asked = truth[["day_of_year", "n_days", "sst_anomaly"]].isel(sample=slice(None, None, every))
    ours = days(surrogates.load("climate-fields", threads=1).sample(asked, seed=1))
    page = Figure(figsize=(14, 6.4), layout="constrained")
    upper, lower = page.subfigures(2, 1, height_ratios=(1.0, 1.1))  # type: ignore[misc]
    sides: list[tuple[str, Any, Any, np.ndarray]] = [
        ("surrogate", T31.longitudes, T31.latitudes, ours[1]["pr"].mean(0)),
        ("jcm (SPEEDY)", T31.longitudes, T31.latitudes, theirs[1]["pr"].mean(0)),
        ("Earth (GPCP)", earth["pr"]["lon"].values, earth["pr"]["lat"].values, earth["pr"].values.mean(0)),
    ]
    row = upper.subplots(1, 3)
    for axes, (name, longitudes, latitudes, rain) in zip(row, sides, strict=True):
        image = axes.pcolormesh(longitudes, latitudes, rain * SECONDS, cmap="YlGnBu", vmin=0.0, vmax=12.0)
        coasts(axes)
        axes.set_title(f"{name}: mean rain", fontsize=9)
    upper.colorbar(image, ax=row, label="mm a day", shrink=0.8)
    rain, temperature, sea = lower.subplots(1, 3)
    rain.plot(T31.latitudes, ours[1]["pr"].mean((0, 2)) * SECONDS, color=OURS, label="surrogate")
    rain.plot(T31.latitudes, theirs[1]["pr"].mean((0, 2)) * SECONDS, color=THEIRS, ls="--", label="jcm")
    rain.plot(earth["pr"]["lat"], earth["pr"].mean(("time", "lon")) * SECONDS, color=EARTH, label="Earth")
    rain.set(xlabel="latitude", ylabel="mm a day", title="rain (GPCP)")
    for (name, (low, high)), month, style in zip(SEASONS.items(), (0, 6), ("-", ":"), strict=True):
        temperature.plot(
            T31.latitudes, season(ours, "tas", low, high), color=OURS, ls=style, label=f"surrogate, {name}"
        )
        temperature.plot(T31.latitudes, season(theirs, "tas", low, high), color=THEIRS, ls=style, label=f"jcm, {name}")
        there = earth["tas"].isel(time=month).mean("lon")
        temperature.plot(there["lat"], there, color=EARTH, ls=style, label=f"Earth, {name}")
    temperature.set(xlabel="latitude", ylabel="K", title="near-surface temperature (ERA-Interim)")
    share = np.clip(1.0 - ocean().land - ocean().ice.mean(0), 0.0, 1.0)
    given = (ocean().temperature.mean(0) * share).sum(1) / np.maximum(share.sum(1), 1e-9)
    sea.plot(T31.latitudes[share.sum(1) > 1.0], given[share.sum(1) > 1.0], color=THEIRS)
    measured = earth["tos"].where(earth["tos"] > 200.0).mean(("time", "lon"))
    sea.plot(measured["lat"], measured, color=EARTH)
    sea.set(xlabel="latitude", ylabel="K", ylim=(265, 305), title="sea surface: given to jcm, and HadISST")
    for axes in (rain, temperature):
        axes.legend(fontsize=7)
    page.savefig(output, dpi=110)


if __name__ == "__main__":
    main()
