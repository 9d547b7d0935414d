"""Rain of the Nino3.4 region and the subtropical jet's pressure belt in a winter: with jcm, or with its surrogate.

The analysis is written for jcm's own output: its names, its axes (time, lon, lat). Which simulator made the Dataset is
one line (WINTERS). Try

    python examples/replace_jcm.py
    python examples/replace_jcm.py --simulator reference
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr

import surrogates
from surrogates.io.cf_fields import jcm_layout

WINTERS = {"surrogate": surrogates.load, "reference": surrogates.reference}


def winter(simulator: str, nino34: float, days: int, seed: int) -> xr.Dataset:
    """One winter from 1 December over a given El Nino, as jcm writes it."""
    model = WINTERS[simulator]("climate-fields")
    return jcm_layout(model.sample(1, seed=seed, day_of_year=335, n_days=days, nino34=nino34))


def analyse(run: xr.Dataset) -> dict[str, float]:
    """What a study of El Nino reads off a run of jcm."""
    area = np.cos(np.deg2rad(run["lat"]))
    rain = run["surface_exchange.precipitation"] * 86_400.0
    pacific = rain.sel(lon=slice(190, 240), lat=slice(-6, 6)).weighted(area).mean()  # type: ignore[arg-type]
    tropics = rain.sel(lat=slice(-20, 20)).weighted(area).mean()  # type: ignore[arg-type]
    pressure = run["normalized_surface_pressure"] * 1000.0
    aleutian = pressure.sel(lon=slice(160, 220), lat=slice(40, 60)).weighted(area).mean(("lon", "lat"))  # type: ignore[arg-type]
    return {
        "rain of Nino3.4 [mm/d]": float(pacific),
        "rain of the tropics [mm/d]": float(tropics),
        "day-to-day spread of the Aleutian low [hPa]": float(aleutian.std()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", choices=WINTERS, default="surrogate")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for nino34 in (-2.0, 2.0):
        before = time.process_time()
        found = analyse(winter(chosen.simulator, nino34, chosen.days, chosen.seed))
        print(f"Nino3.4 {nino34:+.1f} K, {chosen.simulator}, {time.process_time() - before:.1f} CPU-s")
        for name, value in found.items():
            print(f"  {name}: {value:.2f}")


if __name__ == "__main__":
    main()
