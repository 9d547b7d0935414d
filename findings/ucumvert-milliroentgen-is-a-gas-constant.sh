#!/usr/bin/env bash
# ucumvert 0.3.2: a prefix before a UCUM unit undoes the package's own table of names: the unit is read by pint's names
# instead. Expected: mR is a thousandth of R, and so on for each metric unit. Seen: R is a roentgen, mR a thousandth of the
# gas constant (J/mol/K); [g] is the acceleration of free fall, m[g] and u[g] (of accelerometers) are a milligram and a
# microgram; [h] is Planck's constant and m[h] 3.6 s; [G] is the constant of gravitation and m[G] a milligauss; ph is a phot
# and mph thousandths of picohours. mg, mmol, mGy and mm[Hg] are right.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check ucumvert==0.3.2 pint==0.25.3 lark==1.3.1
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

from ucumvert import PintUcumRegistry

print("ucumvert", version("ucumvert"), "pint", version("pint"))
registry = PintUcumRegistry()
good = True
for unit in ["g", "mol", "Gy", "m[Hg]", "R", "[g]", "[h]", "[G]", "ph"]:
    for prefix, scale in (("m", 1e-3), ("u", 1e-6)):
        expected = (scale * registry.from_ucum(unit)).to_base_units()
        seen = registry.from_ucum(prefix + unit)
        same = expected.dimensionality == seen.dimensionality and abs(seen.to_base_units().m / expected.m - 1) < 1e-9
        print(f"{prefix + unit:7} expected {f'{expected:.4g~C}':<22} seen {seen:~C}" + ("" if same else "   <- another quantity"))
        good &= same == (unit in ("g", "mol", "Gy", "m[Hg]"))
sys.exit(0 if good else 1)
PYTHON
