#!/usr/bin/env bash
# SMACT 4.0.2: smact_validity cuts the amounts of a formula to whole numbers before it looks for charges that balance.
# Expected: one answer for one composition, however it is written (pymatgen's Composition, which it takes, holds fractions),
# or an error. Seen: NaCl1.9 passes as NaCl, Na10Cl19, the same composition, does not; MgO1.5 passes, Mg2O3 does not;
# Li0.9CoO2 passes as CoO2; Ca0.5Ti0.5O1.5 fails as "Ca0Ti0O", CaTiO3 passes. Formulas in whole numbers are answered alike
# before and after division.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check SMACT==4.0.2 pymatgen==2026.10.24 \
    pymatgen-core==2026.10.16 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from pymatgen.core import Composition
from smact.screening import smact_validity

print("SMACT", version("SMACT"), "pymatgen", version("pymatgen"))
good = True
for fraction, whole, same in (("Na2Cl2", "NaCl", True), ("Ca4Ti4O12", "CaTiO3", True), ("NaCl1.9", "Na10Cl19", False),
                              ("MgO1.5", "Mg2O3", False), ("Fe2O3.9", "Fe20O39", False), ("Li0.9CoO2", "Li9Co10O20", False),
                              ("Ca0.5Ti0.5O1.5", "CaTiO3", False)):
    alike = Composition(fraction).fractional_composition.almost_equals(Composition(whole).fractional_composition)
    first, second = smact_validity(fraction), smact_validity(whole)
    print(f"{fraction:15} is {whole:11} ({'one composition' if alike else 'two'}): valid {first} and {second}")
    good &= alike and (first == second) == same
sys.exit(0 if good else 1)
PYTHON
