#!/usr/bin/env bash
# solarpy 0.1.3: standard2solar_time corrects for the longitude with the wrong sign. Expected: the sun culminates earlier in
# the east of a time zone: solar time = UTC + 4 minutes a degree of eastern longitude + the equation of time. Seen: minutes
# are taken off in the east of a zone and added in its west: Boston is 32 minutes wrong. Longitudes are
# positive to the east elsewhere in the library (lla2ecef; New York is -73.93 in its documentation); Duffie and Beckman's
# formula, which is used, takes them positive to the west.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    solarpy==0.1.3 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from datetime import datetime, timedelta

import numpy as np
from solarpy.radiation import eq_time, standard2solar_time
from solarpy.utils import lla2ecef

print("solarpy", version("solarpy"))
x, y, _ = lla2ecef(0, 90, 0)
print("longitude 90 is in the east:", bool(y > 6e6))
noon = datetime(2025, 4, 15, 12)
good = bool(y > 6e6)
for name, longitude in (("Boston", -71.06), ("New York", -73.93), ("Berlin", 13.4), ("zone meridian", 15.0), ("Delhi", 77.2)):
    zone = round(longitude / 15)
    utc = noon - timedelta(hours=zone)
    due = utc + timedelta(minutes=4 * longitude + eq_time(noon)) - noon
    seen = standard2solar_time(noon, longitude) - noon
    due, seen = due.total_seconds() / 60, seen.total_seconds() / 60
    print(f"{name:13} {longitude:6}, zone {zone:+d} h: solar - standard time expected {due:+.1f} min, seen {seen:+.1f} min")
    good &= bool(np.isclose(due - seen, 8 * (longitude - 15 * zone), atol=1e-3))
sys.exit(0 if good else 1)
PYTHON
