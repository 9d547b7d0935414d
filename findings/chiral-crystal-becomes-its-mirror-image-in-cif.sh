#!/usr/bin/env bash
# ase 3.29.0 and pymatgen 2026.10.24 (pymatgen-core 2026.10.16): a crystal whose cell vectors are left-handed is written
# to CIF (both) and to POSCAR (pymatgen) as its mirror image: right-handed quartz, P3_1 2 1, comes back as P3_2 2 1.
# Expected: the same crystal. A basis of either hand is valid to both libraries (a swap of two axes makes one); CIF
# states lengths and angles alone (core dictionary, _cell_length_a ...), with axes that are right-handed
# (International Tables A, 1.1), so a writer has to change the basis. Seen: lengths, angles and the old fractional
# coordinates are put together, without a warning; every atom is reflected.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ase==3.29.0 pymatgen==2026.10.24 pymatgen-core==2026.10.16 \
    spglib==2.8.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import ase.io
import spglib
from ase.spacegroup import crystal
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

warnings.simplefilter("ignore")
print(*(f"{name} {version(name)}" for name in ("ase", "pymatgen", "pymatgen-core", "spglib")))


def group(atoms):
    return spglib.get_spacegroup((atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers), symprec=1e-3)


quartz = crystal(["Si", "O"], [(0.4697, 0, 1 / 3), (0.4133, 0.2672, 0.4521)], spacegroup=152,
                 cellpar=[4.916, 4.916, 5.405, 90, 90, 120])
swapped = quartz.copy()
swapped.set_cell(quartz.cell[[1, 0, 2]])  # the same atoms in the same places; vectors a and b change names
adaptor = AseAtomsAdaptor()
structure = adaptor.get_structure(swapped)
ase.io.write("ase.cif", swapped)
ase.io.write("ase.vasp", swapped)
structure.to("pymatgen.cif", fmt="cif")
structure.to("POSCAR", fmt="poscar")
found = {
    "quartz": group(quartz),
    "vectors a and b swapped": group(swapped),
    "through CIF of ase": group(ase.io.read("ase.cif")),
    "through POSCAR of ase": group(ase.io.read("ase.vasp")),
    "through CIF of pymatgen": group(adaptor.get_atoms(Structure.from_file("pymatgen.cif"))),
    "through POSCAR of pymatgen": group(adaptor.get_atoms(Structure.from_file("POSCAR"))),
}
for name, value in found.items():
    print(f"{name:27} {value}")
print("expected: P3_121 (152) in every line; seen: P3_221 (154), the other hand, after both CIFs and pymatgen's POSCAR")
mirrored = {"through CIF of ase", "through CIF of pymatgen", "through POSCAR of pymatgen"}
sys.exit(0 if all((value == "P3_221 (154)") == (name in mirrored) for name, value in found.items()) else 1)
PYTHON
