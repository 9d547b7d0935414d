#!/usr/bin/env bash
# HydroErr 2.0.0: mle, male, msle and h10 take ln(1 + S) - ln(1 + O) for the stated ln(S / O), so that the error depends on
# the unit of the flow. Expected, by the formula of each docstring (of the four none tells of an added 1; rmsle does): a
# simulation twice the observation has ln 2 = 0.693 in any unit. Seen, for a brook: 0.680 in l/s, 0.044 in m3/s, 0.00005 in
# 1000 m3/s. mean_var has another formula besides: the variance of the logarithms' differences for the stated difference of
# their variances.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check HydroErr==2.0.0 numpy==2.4.6 \
    scipy==1.17.1
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import HydroErr
import numpy as np

print("HydroErr", version("HydroErr"))
brook = np.array([0.02, 0.05, 0.10, 0.04, 0.03])  # m3/s
good = True
for name in ("mle", "male", "msle", "h10_mhe"):
    text = getattr(HydroErr, name).__doc__
    head = text[:text.index("Parameters")].lower()
    print(name, "states ln(S / O)", "and log1p" if "log1p" in head or "increased by one" in head else "and no added 1")
    good &= "ln" in head and "log1p" not in head and "increased by one" not in head
    due = np.log(2) ** (2 if name == "msle" else 1)
    for unit, scale in (("l/s", 1e3), ("m3/s", 1.0), ("1000 m3/s", 1e-3)):
        seen = float(getattr(HydroErr, name)(2 * scale * brook, scale * brook))
        added = np.log1p(2 * scale * brook) - np.log1p(scale * brook)
        print(f"  {unit:10} expected {due:.4f}, seen {seen:.6f}")
        good &= np.isclose(seen, np.mean(added**2 if name == "msle" else added), rtol=1e-9)
        good &= scale == 1e3 or seen < due / 10
observed, simulated = 1000 * brook, 1000 * brook[::-1]
due = np.var(np.log(observed)) - np.var(np.log(simulated))
seen = float(HydroErr.mean_var(simulated, observed))
print(f"mean_var of the same flows in another order: expected {due:.4f}, seen {seen:.4f}")
sys.exit(0 if good and abs(due) < 1e-9 and seen > 0.05 else 1)
PYTHON
