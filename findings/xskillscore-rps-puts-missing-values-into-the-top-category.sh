#!/usr/bin/env bash
# xskillscore 0.0.29: the mean ranked probability score counts a missing observation as one in the highest category, and
# a missing member as a forecast of the highest category. Expected: pairs with a missing observation left out of the mean,
# as the same call with dim=[] (NaN for that pair), crps_ensemble and threshold_brier_score of the same package have it
# ("Preserve all NaNs from inputs on output" is the text of its own helper), and members that are missing left out, as
# those two do. Seen: rps(..., dim="time") of a series with a gap equals that of a series with 99 in the gap; ten of twenty
# members missing change the score, where crps_ensemble gives that of the ten others.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: xskillscore==0.0.29 \
    xarray==2026.9.0 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import xarray as xr
import xskillscore as xs

print("xskillscore", version("xskillscore"))
RNG = np.random.default_rng(1)
edges = np.array([-0.5, 0.5])  # three categories
observed = xr.DataArray(RNG.normal(size=10), dims="time")
forecast = xr.DataArray(RNG.normal(size=(10, 20)), dims=("time", "member"))
gap, top, fewer = observed.copy(), observed.copy(), forecast.copy()
gap[0], top[0], fewer[:, 10:] = np.nan, 99.0, np.nan


def by_hand(o, f):  # the documented formula: cumulative probabilities, squared differences, summed over categories
    scores = [sum((np.mean(row < edge) - float(value < edge)) ** 2 for edge in edges) for value, row in zip(o, f)]
    return float(np.mean(scores))


def rps(o, f):
    return xs.rps(o, f, edges, dim="time").item()


def crps(o, f):
    return xs.crps_ensemble(o, f, dim="time").item()


complete, without = by_hand(observed.values, forecast.values), by_hand(observed.values[1:], forecast.values[1:])
ten = by_hand(observed.values, forecast.values[:, :10])
print(f"complete series     by hand {complete:.5f}, seen {rps(observed, forecast):.5f}")
print(f"first one missing   expected {without:.5f}, seen {rps(gap, forecast):.5f}; with 99 in its place {rps(top, forecast):.5f}; "
      f"pair by pair {xs.rps(gap, forecast, edges, dim=[]).values[:3]}")
print(f"ten members missing expected {ten:.5f}, seen {rps(observed, fewer):.5f}")
print(f"crps_ensemble       the nine others {crps(observed[1:], forecast[1:]):.5f}, with the gap {crps(gap, forecast):.5f}; "
      f"ten members {crps(observed, forecast[:, :10]):.5f}, ten of twenty missing {crps(observed, fewer):.5f}")
good = abs(rps(observed, forecast) - complete) < 1e-9 and abs(rps(gap, forecast) - rps(top, forecast)) < 1e-12
good &= abs(rps(gap, forecast) - without) > 0.01 and abs(rps(observed, fewer) - ten) > 0.01
good &= abs(crps(gap, forecast) - crps(observed[1:], forecast[1:])) < 1e-9
good &= abs(crps(observed, fewer) - crps(observed, forecast[:, :10])) < 1e-9
sys.exit(0 if good else 1)
PYTHON
