#!/usr/bin/env bash
# scores 2.7.0: nse(is_angular=True), the efficiency of forecasts of directions, takes the arithmetic mean of the observed
# directions for its reference: 180 degrees for winds around north. Expected: a score that is the same when all directions are
# turned by one angle ("accounts for circularity"), with the mean direction of the observations as the reference. Seen: a
# forecast that is 40 degrees off has -24.6 for winds around south and +0.95 for winds around north.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check scores==2.7.0 xarray==2026.9.0 \
    numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import xarray as xr
from scipy.stats import circmean
from scores.continuous import nse

print("scores", version("scores"))
spread = np.array([-10.0, -5.0, 5.0, 10.0])  # observed, about the main direction
found = {}
for main in (90, 180, 270, 0, 358):
    observed = (main + spread) % 360
    forecast = (observed + 40) % 360


    def squares(a, b):
        return float(np.mean(((a - b + 180) % 360 - 180) ** 2))


    due = 1 - squares(forecast, observed) / squares(circmean(observed, 360, 0), observed)
    seen = float(nse(xr.DataArray(forecast, dims="t"), xr.DataArray(observed, dims="t"), is_angular=True))
    found[main] = due, seen
    print(f"winds from {main:3} degrees, forecasts 40 degrees off: expected {due:+.3f}, seen {seen:+.3f}")
right = all(abs(found[main][0] - found[main][1]) < 1e-6 for main in (90, 180, 270))
sys.exit(0 if right and all(found[main][0] < -20 and found[main][1] > 0.5 for main in (0, 358)) else 1)
PYTHON
