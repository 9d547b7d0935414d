#!/usr/bin/env bash
# pymannkendall 1.4.3: with missing values, the tests that are modified for autocorrelation subtract a trend from the wrong
# times: Sen's slope is of the series with its gaps, but is taken off by the count of the values that are left. Expected
# (Hamed and Rao 1998, Yue and Wang 2004): the autocorrelation of the series less its trend; independent noise around a line
# has none, with a gap or without. Seen: a step of slope times gap stays and counts as autocorrelation: by Yue and Wang the
# variance of S grows 8.5 times instead of 1.4 times, and z falls to 3.7 where 9.2 is due.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    pymannkendall==1.4.3 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pymannkendall as mk

print("pymannkendall", version("pymannkendall"))
rng = np.random.default_rng(0)
LAGS = 5
times = np.arange(120.0)
series = 0.05 * times + 0.5 * rng.normal(size=120)
series[40:80] = np.nan
there = ~np.isnan(series)
kept, n = series[there], int(there.sum())
slope = mk.sens_slope(series).slope


def inflation(residuals):
    centred = residuals - residuals.mean()
    lags = np.arange(1, LAGS + 1)
    acf = np.array([np.sum(centred[lag:] * centred[:-lag]) for lag in lags]) / np.sum(centred**2)
    return 1 + 2 * np.sum((1 - lags / n) * acf)


plain = mk.original_test(series)
right = inflation(kept - slope * times[there])
counted = inflation(kept - slope * np.arange(1, n + 1))
seen = mk.yue_wang_modification_test(series, lag=LAGS)
hamed = mk.hamed_rao_modification_test(series, lag=LAGS)
print(f"slope {slope:.4f}, variance of S without correction {plain.var_s:.0f}")
print(f"Yue and Wang: factor expected {right:.2f}, seen {seen.var_s / plain.var_s:.2f}, of counted values {counted:.2f}")
print(f"z by the expected factor {plain.z / np.sqrt(right):.2f}, seen {seen.z:.2f}; Hamed and Rao: z {hamed.z:.2f}")
good = abs(seen.var_s / plain.var_s - counted) < 1e-6 * counted and counted > 3 * right and hamed.z < plain.z
sys.exit(0 if good else 1)
PYTHON
