#!/usr/bin/env bash
# geocat-comp 2026.4.0: gradient() measures degrees of the WGS84 ellipsoid wrongly: north-south gradients are 0.67 % too
# small at the equator and as much too large at the poles, east-west ones up to 0.67 % too large: no better than a sphere
# of 6371 km. Expected: what its text says, data "on the surface of the WGS84 ellipsoid", "accurate to within floating
# point error". Seen: the length of a degree is that of the distance to the Earth's centre, sqrt(a^2 cos^2 + b^2 sin^2),
# for the radii of curvature (a degree of a meridian is the shortest at the equator, 110.57 km, not the longest); the
# latitudes of WGS84 are geodetic, as PROJ (pyproj 3.7.2) measures them below.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check geocat-comp==2026.4.0 pyproj==3.7.2 \
    xarray==2026.9.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from geocat.comp.gradient import gradient
from pyproj import Geod

print("geocat-comp", version("geocat-comp"), "pyproj", version("pyproj"))
WGS84 = Geod(ellps="WGS84")
lat, lon = np.arange(-85.0, 85.1, 0.5), np.arange(0.0, 5.0, 0.5)
field_lon, field_lat = np.meshgrid(lon, lat)  # fields that grow by one a degree
north = gradient(field_lat, lon, lat)[0]
east = gradient(field_lon, lon, lat)[1]
found = {}
for at in (0.0, 30.0, 60.0, 80.0):
    row = int(np.argmin(abs(lat - at)))
    meridian = WGS84.inv(2.0, at - 0.01, 2.0, at + 0.01)[2] / 0.02  # metres a degree
    parallel = WGS84.inv(1.995, at, 2.005, at)[2] / 0.01
    found[at] = 100 * (north[row, 4] * meridian - 1), 100 * (east[row, 4] * parallel - 1)
    print(f"latitude {at:4.0f}: northward {north[row, 4]:.6e} a metre, expected {1 / meridian:.6e} ({found[at][0]:+.3f} %); "
          f"eastward {east[row, 4]:.6e}, expected {1 / parallel:.6e} ({found[at][1]:+.3f} %)")
print("expected: 0.000 % everywhere")
seen = {0.0: (-0.669, 0.0), 30.0: (-0.336, 0.168), 60.0: (0.336, 0.505), 80.0: (0.633, 0.653)}
sys.exit(0 if all(np.allclose(found[at], seen[at], atol=0.003) for at in seen) else 1)
PYTHON
