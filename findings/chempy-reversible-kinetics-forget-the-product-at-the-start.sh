#!/usr/bin/env bash
# chempy 0.10.2: pseudo_rev returns the change of the product, not its concentration, where some product is there at the start
# (`prod`, "initial concentration of the complex"). Expected: the solution of the rate equation, `prod` at time 0, as of its
# siblings pseudo_irrev, binary_irrev and binary_rev. Seen: 0 at time 0, and `prod` too little at all times.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    chempy==0.10.2 quantities==0.16.4 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from chempy.kinetics import integrated
from scipy.integrate import solve_ivp

print("chempy", version("chempy"))
FORWARD, BACKWARD, PRODUCT, MAJOR, MINOR = 0.7, 0.3, 0.5, 3.0, 1.0
times = np.array([0, 0.1, 0.5, 2.0, 50.0])
good = True
for name, reversible, pseudo in (("pseudo_irrev", 0, 1), ("binary_irrev", 0, 0), ("binary_rev", 1, 0), ("pseudo_rev", 1, 1)):

    def rate(_, state, reversible=reversible, pseudo=pseudo):
        product, major, minor = state
        speed = FORWARD * (MAJOR if pseudo else major) * minor - reversible * BACKWARD * product
        return [speed, -speed, -speed]

    due = solve_ivp(rate, (0, 50), [PRODUCT, MAJOR, MINOR], t_eval=times, rtol=1e-10, atol=1e-12).y[0]
    constants = (FORWARD, BACKWARD) if reversible else (FORWARD,)
    seen = getattr(integrated, name)(times, *constants, PRODUCT, MAJOR, MINOR)
    print(f"{name:12} expected", due.round(4), "seen", seen.round(4))
    good &= np.allclose(seen, due - (PRODUCT if name == "pseudo_rev" else 0), atol=1e-6)
sys.exit(0 if good else 1)
PYTHON
