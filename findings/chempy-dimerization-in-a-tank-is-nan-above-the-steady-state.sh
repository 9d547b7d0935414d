#!/usr/bin/env bash
# chempy 0.10.2: binary_irrev_cstr, the analytic solution of 2 A -> n B in a stirred tank, is NaN at all times where the tank
# starts with more A than its steady state has. Expected: the solution of the rate equations; A falls to the steady state.
# Seen: NaN; from below the steady state the result is right. The integral is an inverse hyperbolic tangent below, an inverse
# hyperbolic cotangent above, and the first alone is used.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    chempy==0.10.2 quantities==0.16.4 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from chempy.kinetics.integrated import binary_irrev_cstr
from scipy.integrate import solve_ivp

print("chempy", version("chempy"))
K, PRODUCT, FEED, FEED_PRODUCT, FLOW, YIELD = 0.7, 0.4, 2.0, 0.3, 0.5, 1
steady = (np.sqrt(FLOW**2 + 8 * K * FLOW * FEED) - FLOW) / (4 * K)
times = np.array([0, 0.1, 0.5, 2.0, 50.0])


def rate(_, state):
    a, b = state
    return [FLOW * (FEED - a) - 2 * K * a**2, FLOW * (FEED_PRODUCT - b) + YIELD * K * a**2]


good = True
for start in (0.0, 0.5, 1.0, 2.0):
    due = solve_ivp(rate, (0, 50), [start, PRODUCT], t_eval=times, rtol=1e-10, atol=1e-12).y
    seen = np.array(binary_irrev_cstr(times, K, start, PRODUCT, FEED, FEED_PRODUCT, FLOW, YIELD))
    print(f"A starts at {start} (steady state {steady:.4f}): expected", due[0].round(4), "seen", seen[0].round(4))
    good &= np.allclose(seen, due, atol=1e-6) if start < steady else bool(np.isnan(seen).all())
sys.exit(0 if good else 1)
PYTHON
