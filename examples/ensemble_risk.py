"""How much rain falls in five days once in a hundred winters: a large ensemble of one season, in constant memory.

    python examples/ensemble_risk.py --members 1000 --nino34 2.0 --latitude 37 --longitude 238
    python examples/ensemble_risk.py --members 100 --against held_out.nc

Return levels are the quantiles of the season's largest five-day rain at one place; their range is that of resampled
ensembles. With `--against`, a NetCDF file of the reference's winters, they stand beside the reference's own.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import xarray as xr

import surrogates
from surrogates.physics.climate.gaussian_grid import T31

PERIODS = (2, 5, 10, 20, 50, 100, 200)
RESAMPLED = 500


def place(latitude: float, longitude: float) -> tuple[int, int]:
    """Row and column of the cell that holds a place."""
    row = int(np.abs(T31.latitudes - latitude).argmin())
    apart = np.abs((T31.longitudes - longitude + 180.0) % 360.0 - 180.0)
    return row, int(apart.argmin())


def largest_five_days(samples: xr.Dataset, row: int, column: int) -> np.ndarray:
    """Largest sum of rain over five consecutive days of each sample, mm."""
    rain = samples["pr"].values[:, :, row, column].astype("float64") * 86_400.0
    sums = np.cumsum(np.pad(rain, ((0, 0), (1, 0))), axis=1)  # type: ignore
    return (sums[:, 5:] - sums[:, :-5]).max(axis=1)


def levels(largest: np.ndarray, random: np.random.Generator) -> list[tuple[int, float, float, float]]:
    """Return period, level and its central 90 % over resampled ensembles, for periods that the ensemble holds."""
    periods = [period for period in PERIODS if period <= len(largest) / 2]
    draws = random.choice(largest, (RESAMPLED, len(largest)))
    found = []
    for period in periods:
        share = 1.0 - 1.0 / period
        low, high = np.quantile(np.quantile(draws, share, axis=1), (0.05, 0.95))
        found.append((period, float(np.quantile(largest, share)), float(low), float(high)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--nino34", type=float, default=2.0)
    parser.add_argument("--latitude", type=float, default=37.0)
    parser.add_argument("--longitude", type=float, default=238.0)
    parser.add_argument("--against", type=Path, help="File of the reference's winters.")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    row, column = place(chosen.latitude, chosen.longitude)
    model, random = surrogates.load("climate-fields"), np.random.default_rng(chosen.seed)
    before, largest = time.process_time(), []
    for block in model.stream(
        chosen.members, seed=chosen.seed, block=8, day_of_year=335, n_days=chosen.days, nino34=chosen.nino34
    ):
        largest.append(largest_five_days(block, row, column))
    spent = time.process_time() - before
    print(f"{chosen.members} winters of {chosen.days} days in {spent:.0f} CPU-s", end="; ")
    print(f"cell at {T31.latitudes[row]:.1f} N, {T31.longitudes[column]:.1f} E")
    sides = {"surrogate": np.concatenate(largest)}
    if chosen.against is not None:
        sides["reference"] = largest_five_days(surrogates.read(chosen.against), row, column)
    for name, values in sides.items():
        for period, level, low, high in levels(values, random):
            print(f"{name}: once in {period} winters {level:.0f} mm in five days ({low:.0f} to {high:.0f})")


if __name__ == "__main__":
    main()
