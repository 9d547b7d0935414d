#!/usr/bin/env bash
# jcm 3.0.0: ForcingData.from_dataset takes boundary values by position and ignores the latitude coordinate: a data set
# that runs from north to south, as ERA5, ECMWF and many CMIP files do, is used upside down: one pole's ice and
# the other's warm sea change places, and the run goes on without a word.
# Expected: the same forcing from the same data (CF conventions, 5: a coordinate variable may be increasing or decreasing),
# or the error that the function has for wrong dimensions, shapes and units. It is given even the model's own coordinates
# (`coords=`: "CoordinateSystem to upscale to") and both latitudes are at hand. Seen: row 0 of either file goes to 87 S.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check jcm==3.0.0 dinosaur==1.5.1 jax==0.10.2 xarray==2026.9.0 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import jax
import numpy as np
import pandas as pd
import xarray as xr

warnings.simplefilter("ignore")
from jcm.forcing import ForcingData
from jcm.physics.speedy.speedy_coords import get_speedy_coords

print("jcm", version("jcm"), "dinosaur", version("dinosaur"), "jax", version("jax"))
coords = get_speedy_coords(spectral_truncation=31)
latitude = np.rad2deg(np.asarray(coords.horizontal.latitudes))
longitude = np.rad2deg(np.asarray(coords.horizontal.longitudes))
months = pd.date_range("2001-01-01", periods=12, freq="MS")


def field(profile, monthly=True):
    values = np.broadcast_to(profile[None, :, None], (len(longitude), len(latitude), 12))
    made = xr.DataArray(values, dims=("lon", "lat", "time"), coords={"lon": longitude, "lat": latitude, "time": months})
    return made if monthly else made.isel(time=0, drop=True)


zero = 0.0 * latitude
northward = xr.Dataset({
    "sst": field(288.0 - 14.0 * np.sin(np.radians(latitude))), "icec": field((latitude > 60) * 1.0),
    "stl": field(zero + 280.0), "soilw_am": field(zero + 0.5), "snowc": field(zero), "alb": field(zero + 0.2, False),
})
southward = northward.sortby("lat", ascending=False)
same = northward.sst.sel(lat=latitude[0]).equals(southward.sst.sel(lat=latitude[0]))
print("the two data sets agree at each latitude:", same)


def at_87_south(data, **options):
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(ForcingData.from_dataset(data, align_mode="wrap_year", **options))]
    fields = [leaf[0, 0] for leaf in leaves if leaf.ndim == 3]  # (day, longitude, latitude)
    warm = next(row for row in fields if row.max() > 300)
    ice = next(row for row in fields if row.max() == 1 and row.min() == 0)
    return round(float(warm[0]), 1), float(ice[0])


good = same
for options in ({}, {"coords": coords}):
    first, second = at_87_south(northward, **options), at_87_south(southward, **options)
    print(f"{sorted(options)}: sea temperature and ice at 87 S: {first} from south to north, {second} from north to south")
    good &= first == (302.0, 0.0) and second == (274.0, 1.0)
print("expected: two equal pairs; seen: the poles change places")
sys.exit(0 if good else 1)
PYTHON
