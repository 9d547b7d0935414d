#!/usr/bin/env bash
# physipy 0.2.8: the constants bar, torr, mmHg and psi are all one standard atmosphere, 101325 Pa. Expected: 100000, 133.322,
# 133.322 and 6894.757 Pa, as scipy.constants, from which the table is made, and as the package's own imperial unit psi. Seen:
# a blood pressure of 120 mmHg is 12.2 MPa, a vacuum of 1e-6 torr 0.1 Pa. The other constants that scipy has by the same
# name agree.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check physipy==0.2.8 numpy==2.4.6 \
    scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import physipy
import scipy.constants
from physipy.quantity._units import imperial_units

print("physipy", version("physipy"), "scipy", version("scipy"))
wrong, checked = {}, 0
for name, quantity in physipy.constants.items():
    due = getattr(scipy.constants, "degree" if name == "deg" else name.strip(), None)
    if isinstance(due, (int, float)):
        checked += 1
        if abs(float(quantity.value) / due - 1) > 1e-9:
            wrong[name] = due, float(quantity.value)
for name, (due, seen) in wrong.items():
    print(f"{name:5} expected {due:.6g} {physipy.constants[name].dimension.str_SI_unit()}, seen {seen:.6g}")
print(checked, "constants compared;", "the imperial psi of the package:", float(imperial_units["psi"].value))
print("120 mmHg:", 120 * float(physipy.constants["mmHg"].value), "Pa")
same = all(seen == scipy.constants.atmosphere for _, seen in wrong.values())
good = same and abs(float(imperial_units["psi"].value) / scipy.constants.psi - 1) < 1e-6 and checked > 80
sys.exit(0 if good and sorted(wrong) == ["bar", "mmHg", "psi", "torr"] else 1)
PYTHON
