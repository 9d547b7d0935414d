#!/usr/bin/env bash
# HydroErr 2.0.0: the errors H7 and H8 divide by one number, the smallest or largest ratio S / O of the series. Expected, by
# the docstrings: each step by its own, H7 = (S - O) / min(O, S) and H8 = (S - O) / max(O, S), which lies between -1 and 1.
# Seen: (S / O - 1) / min(S / O) over the series: a simulation of half the flow has H8 = -1 (due: -0.5), one of twice the flow
# H7 = 0.5 (due: 1), and a single dry step multiplies the errors of all others: a mean of +80 where -9 is due. The other
# members of the family (h1 to h6) go step by step.
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
observed = np.full(10, 10.0)
cases = {"half the flow, 10 times": np.full(10, 5.0), "twice the flow, 10 times": np.full(10, 20.0),
         "twice the flow 9 times, then 0.1": np.r_[np.full(9, 20.0), 0.1],
         "half the flow 9 times, then 1000": np.r_[np.full(9, 5.0), 1000.0]}
good, wrong = True, 0
for name, simulated in cases.items():
    for index, bound, extreme in ((7, np.minimum, np.min), (8, np.maximum, np.max)):
        ratio = simulated / observed
        due = (simulated - observed) / bound(observed, simulated)
        for kind, value in (("mahe", np.mean(np.abs(due))), ("mhe", np.mean(due))):
            seen = float(getattr(HydroErr, f"h{index}_{kind}")(simulated, observed))
            used = (ratio - 1) / extreme(ratio)
            good &= np.isclose(seen, np.mean(np.abs(used)) if kind == "mahe" else np.mean(used), rtol=1e-9)
            wrong += not np.isclose(seen, value, rtol=1e-3)
            print(f"{name:34} h{index}_{kind:5} expected {value:+9.4f}, seen {seen:+9.4f}")
print(wrong, "of 16 are not as stated")
sys.exit(0 if good and wrong == 12 else 1)
PYTHON
