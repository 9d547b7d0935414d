#!/usr/bin/env bash
# windrose 2.0.0: with `normed=True` ("normed in percent") a rose of statistical input (`frequency` with `mean_values` or
# `weibull_factors`) is not in percent: its bars sum to 250000 for four directions. Expected: 100, and 40, 30, 20, 10 for
# frequencies of 0.4, 0.3, 0.2, 0.1. Seen: 10000 winds are drawn for a frequency of 1, but counts are divided by the number of
# directions that were given.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    windrose==2.0.0 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 packaging==26.4 \
    contourpy==1.3.3 cycler==0.12.1 kiwisolver==1.5.1 pyparsing==3.3.3 fonttools==4.68.0 \
    pillow==13.0.0 python-dateutil==4.0.0 six==1.17.0
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import matplotlib

matplotlib.use("Agg")
import numpy as np  # noqa: E402
from windrose import WindroseAxes  # noqa: E402

print("windrose", version("windrose"))
directions, frequency = np.array([0.0, 90.0, 180.0, 270.0]), np.array([0.4, 0.3, 0.2, 0.1])
cases = {"mean_values": np.array([5.0, 6.0, 7.0, 8.0]), "weibull_factors": [(5.0, 2.0)] * 4}
good = True
for name, speeds in cases.items():
    axes = WindroseAxes.from_ax()
    axes.bar(directions, speeds, frequency=frequency, normed=True, bins=[0, 5, 10], **{name: True})
    seen = axes._info["table"].sum(axis=0)
    print(f"{name:15} expected", 100 * frequency, "sum 100, seen", seen[seen > 0], "sum", seen.sum())
    good &= np.allclose(seen[seen > 0], 10000 * 100 * frequency / 4)
measured = WindroseAxes.from_ax()
measured.bar(np.repeat(directions, [4, 3, 2, 1]), np.full(10, 3.0), normed=True, bins=[0, 5])
print("measured winds  sum", measured._info["table"].sum())
sys.exit(0 if good and abs(measured._info["table"].sum() - 100) < 1e-9 else 1)
PYTHON
