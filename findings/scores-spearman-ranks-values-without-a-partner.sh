#!/usr/bin/env bash
# scores 2.7.0: spearmanr ranks forecasts before it drops those whose observation is missing (and observations whose forecast
# is). Expected: the correlation of the ranks of the pairs, as scipy's spearmanr with nan_policy="omit": 1 for pairs that rise
# together without an exception. Seen: 0.968 for such pairs with four of ten observations missing, 0.446 where 0.409 is due in
# a longer record; no warning, and no word of missing values in the docstring. Without them, and pearsonr with them, are
# right.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check scores==2.7.0 xarray==2026.9.0 \
    numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import xarray as xr
from scipy import stats
from scores.continuous.correlation import pearsonr, spearmanr

print("scores", version("scores"), "scipy", version("scipy"))
print("missing values in the docstring:", any(word in spearmanr.__doc__.lower() for word in ("nan", "missing")))
nan, rng = np.nan, np.random.default_rng(4)
rising = np.array([1, nan, nan, nan, 2, 3, 4, nan, 5, 6])
noise = rng.normal(size=40)
late = np.where((rng.random(40) < 0.5) & (np.arange(40) < 30), nan, rng.normal(size=40) + 0.05 * np.arange(40))
cases = {"rising, complete": (np.arange(10.0), np.arange(10.0) ** 3), "rising, four missing": (np.arange(10.0) ** 2, rising),
         "weak, half of 30 missing": (np.sort(noise), late)}
good = True
for name, (forecast, observed) in cases.items():
    pair = xr.DataArray(forecast, dims="t"), xr.DataArray(observed, dims="t")
    kept = ~np.isnan(observed)
    due = float(stats.spearmanr(forecast[kept], observed[kept])[0])
    seen, plain = float(spearmanr(*pair)), float(pearsonr(*pair))
    print(f"{name:26} expected {due:+.4f}, seen {seen:+.4f} (the pairs alone: {float(spearmanr(*(p[kept] for p in pair))):+.4f})")
    good &= (abs(seen - due) < 1e-9) == kept.all() and abs(plain - stats.pearsonr(forecast[kept], observed[kept])[0]) < 1e-9
sys.exit(0 if good else 1)
PYTHON
