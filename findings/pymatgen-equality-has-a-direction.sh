#!/usr/bin/env bash
# pymatgen-core 2026.10.16 (pymatgen 2026.10.24): `a == b` is True where `b == a` is False, for a neutral composition
# and the same one with oxidation states; StructureMatcher inherits it: a generated structure is a duplicate of a known
# one or new, by which of the two is named first.
# Expected: one answer either way (equality is symmetric; "compositions [are] equal if they have the same elements and the
# amounts are within amount_tolerance"; `fit`: "Fit two structures", True if they match). Seen: a look-up by the plain
# element finds every charge state of it, the other way round none, and equal ones have different hashes.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Composition, Lattice, Structure

print(*(f"{name} {version(name)}" for name in ("pymatgen", "pymatgen-core")))
neutral, charged = Composition("NaCl"), Composition({"Na+": 1, "Cl-": 1})
equal = (neutral == charged, charged == neutral)
print("compositions: neutral == charged:", equal[0], " charged == neutral:", equal[1],
      " equal hashes:", hash(neutral) == hash(charged))
known = Structure(Lattice.cubic(4.12), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
generated = known.copy()
generated.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
matcher = StructureMatcher()
fits = (matcher.fit(known, generated), matcher.fit(generated, known))
print("structures: fit(neutral, charged):", fits[0], " fit(charged, neutral):", fits[1])
print("expected: twice the same answer; seen: True and False")
sys.exit(0 if equal == (True, False) and fits == (True, False) and hash(neutral) != hash(charged) else 1)
PYTHON
