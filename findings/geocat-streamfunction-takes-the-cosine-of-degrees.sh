#!/usr/bin/env bash
# geocat-comp 2026.4.0: zonal_meridional_psi (zonal_mpsi), the mass streamfunction of the Hadley cells, multiplies by the
# cosine of the latitude in degrees as if it were in radians. Expected: 2 pi a cos(lat) / g times the integral of the zonal
# mean of the northward wind over pressure (the definition of the cited NCAR note; NCL's zonal_mpsi), for `lat` in degrees (default:
# (-90, 90, 10), as uxarray's zonal_mean takes it). Seen: right at the equator alone; at 10 degrees cos(10 radians) = -0.84, so
# that a northward flow comes out as a southward one, and 0.15 at 30 degrees where 0.87 is due.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: \
    geocat-comp==2026.4.0 uxarray==2026.10.0 xarray==2026.9.0 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import uxarray as ux
import xarray as xr
from geocat.comp import zonal_meridional_psi

print("geocat-comp", version("geocat-comp"), "uxarray", version("uxarray"))
grid = ux.Grid.from_structured(lon=np.arange(0.0, 360.0, 10), lat=np.arange(-85.0, 86.0, 10))
pressure = np.array([10000.0, 30000.0, 50000.0, 70000.0, 90000.0])  # Pa, surface at 100000
wind = xr.DataArray(np.ones((1, 5, grid.n_face)), dims=("time", "plev", "n_face"), coords={"plev": pressure})
surface = xr.DataArray(np.full((1, grid.n_face), 100000.0), dims=("time", "n_face"))
wind.attrs["standard_name"], surface.attrs["standard_name"] = "northward_wind", "surface_air_pressure"
wind["plev"].attrs["standard_name"] = "air_pressure"
data = ux.UxDataset({"V": wind, "PS": surface}, uxgrid=grid)  # 1 m/s to the north everywhere
psi = zonal_meridional_psi(data, lat=(-60, 60, 10))
print("latitudes", psi["latitudes"].values)
good = True
for latitude in (0, 10, 30, 40, 60, -10):
    seen = float(psi.sel(latitudes=latitude).isel(plev=-1).squeeze())
    whole = 2 * np.pi * 6378137 / 9.80665 * (100000 - 10000)  # the column below the top level, at 1 m/s
    expected = whole * np.cos(np.radians(latitude))
    print(f"latitude {latitude:4}: expected {expected:+.4e} kg/s, seen {seen:+.4e} (ratio {seen / expected:+.3f})")
    good &= abs(seen / whole - np.cos(float(latitude))) < 1e-6
sys.exit(0 if good else 1)
PYTHON
