#!/usr/bin/env bash
# jarvis-tools 2026.6.12: Atoms.write_cif puts a sentence without a `#` before the data block: by default it writes files
# that are no CIF, and that gemmi and ase refuse. jarvis reads them back, so the loss shows only elsewhere.
# Expected: a file of the format it is named after (CIF 1.1 syntax, paragraph 7: before the first data_ heading only
# white space and comments, which begin with `#`). The docstring says "Write CIF format file from Atoms object".
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check jarvis-tools==2026.6.12 ase==3.29.0 gemmi==0.7.5 \
    spglib==2.8.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import ase.io
import gemmi
from jarvis.core.atoms import Atoms

print(*(f"{name} {version(name)}" for name in ("jarvis-tools", "ase", "gemmi")))
salt = Atoms(lattice_mat=[[4.12, 0, 0], [0, 4.12, 0], [0, 0, 4.12]], coords=[[0, 0, 0], [0.5, 0.5, 0.5]],
             elements=["Cs", "Cl"])
READERS = {
    "gemmi": lambda: gemmi.cif.read("salt.cif").sole_block().name,
    "ase": lambda: ase.io.read("salt.cif").get_chemical_formula(),
    "jarvis": lambda: Atoms.from_cif("salt.cif", use_cif2cell=False, get_primitive_atoms=False).composition.formula,
}


def read(name):
    try:
        return f"reads {READERS[name]()}", True
    except Exception as error:
        return f"{type(error).__name__}: {error}", False


found = {}
for comment in (None, "# a comment of CIF"):
    salt.write_cif("salt.cif", **({} if comment is None else {"comment": comment}))
    print("first line:", open("salt.cif").readline().strip())
    for name in READERS:
        text, found[name, comment is None] = read(name)
        print(f"  {name:7}{text}")
print("expected: three readers that read both; seen: the default file is refused by gemmi and ase")
good = all(found[name, False] for name in READERS) and found["jarvis", True]
sys.exit(0 if good and not found["gemmi", True] and not found["ase", True] else 1)
PYTHON
