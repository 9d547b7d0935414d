#!/usr/bin/env bash
# xarray-regrid 0.4.2: statistics of the cells of a coarser grid (`regrid.stat`, and `most_common`, which goes the same way)
# are upside down on a target of descending latitudes: what lies at 84 N is filed under 84 S, without a word. Conservative
# regridding beside it is right.
# Expected: the same values at the same latitudes, whichever way the target's axis runs (ERA5 and most GRIB data run from
# north to south; the documentation asks for no order). Seen: the groups come out by ascending latitude and are labelled
# with the target's own descending ones; a mask of land, ice or biomes moves to the other hemisphere.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check xarray-regrid==0.4.2 xarray==2026.9.0 flox==0.11.2 pandas==3.1.1 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import xarray as xr
import xarray_regrid  # noqa: F401

warnings.simplefilter("ignore")
print("xarray-regrid", version("xarray-regrid"), "xarray", version("xarray"), "flox", version("flox"))
latitude, longitude = np.arange(-88.0, 90, 4), np.arange(2.0, 360, 4)
north = np.broadcast_to((latitude > 60).astype(int)[:, None], (len(latitude), len(longitude)))
ice = xr.DataArray(north, name="ice", dims=("latitude", "longitude"), coords={"latitude": latitude, "longitude": longitude})
centres, places = np.arange(-84.0, 90, 12), np.arange(6.0, 360, 12)
METHODS = {
    "conservative": lambda target: ice.astype(float).regrid.conservative(target),
    "stat, mean": lambda target: ice.astype(float).regrid.stat(target, method="mean", time_dim=None),
}
found = {}
for name, method in METHODS.items():
    for order, axis in (("ascending", centres), ("descending", centres[::-1])):
        result = method(xr.Dataset(coords={"latitude": axis, "longitude": places}))
        poles = tuple(float(result.sel(latitude=pole).mean()) for pole in (84.0, -84.0))
        found[name, order] = poles
        print(f"{name:13} target {order:10}: ice at 84 N {poles[0]:.2f}, at 84 S {poles[1]:.2f}")
print("expected: 1 and 0 in each line; seen: 0 and 1 of the mean on descending latitudes")
right = all(found[name, "ascending"] == (1.0, 0.0) for name in METHODS) and found["conservative", "descending"] == (1, 0)
turned = all(found[name, "descending"] == (0.0, 1.0) for name in ("stat, mean",))
sys.exit(0 if right and turned else 1)
PYTHON
