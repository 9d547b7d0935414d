#!/usr/bin/env bash
# ase 3.29.0: atoms that FixCartesian holds in some directions are written to POSCAR as free: the file says "Selective
# dynamics" and then T T T for each of them. The same restriction as a FixedLine is kept.
# Expected: F F T, as the cell is orthogonal and VASP's flags can say it; or the error that the writer has for a line or
# plane off the cell's vectors ("RuntimeError ... One FixedLine direction is not parallel to a unit cell vector"), or the
# warning that the writer of Quantum ESPRESSO gives. Seen: no word of it. pymatgen's AseAtomsAdaptor turns the selective
# dynamics of a POSCAR into FixCartesian, so a slab that goes from pymatgen through ase to VASP relaxes all over.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check ase==3.29.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import ase.io
from ase import Atoms
from ase.constraints import FixCartesian, FixedLine, FixScaled

print("ase", version("ase"))
found = {}
for name, constraint in (
    ("FixedLine", FixedLine([0], (0, 0, 1))), ("FixScaled", FixScaled([0], (True, True, False))),
    ("FixCartesian", FixCartesian([0], (True, True, False))),
):
    pair = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]], cell=[6, 6, 6], pbc=True, constraint=constraint)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ase.io.write("POSCAR", pair, format="vasp")
    lines = open("POSCAR").read().splitlines()
    found[name] = (lines[9].split()[3:], "Selective dynamics" in lines, len(caught))
    print(f"{name:13} flags of the atom: {' '.join(found[name][0])}, selective dynamics: {found[name][1]}, "
          f"warnings: {found[name][2]}, read back: {ase.io.read('POSCAR', format='vasp').constraints}")
print("expected: F F T three times; seen: T T T, free, for FixCartesian")
held, free = (["F", "F", "T"], True, 0), (["T", "T", "T"], True, 0)
sys.exit(0 if found["FixedLine"] == found["FixScaled"] == held and found["FixCartesian"] == free else 1)
PYTHON
