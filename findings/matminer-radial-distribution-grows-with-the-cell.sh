#!/usr/bin/env bash
# matminer 0.10.1: RadialDistributionFunction grows with the cell: the counts of all atoms' neighbours are summed and never
# divided by the number of atoms. Expected: one function for one crystal, which tends to 1 (its docstring and its result say
# normalized). Seen: aluminium has 1 at large distances in its primitive cell of one atom, 4 in the cubic cell, 32 in 2 x 2 x
# 2 cubic cells: features of one crystal differ by the cell that a file happens to use. ase's own neighbour list gives the
# expected values.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check matminer==0.10.1 \
    pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 ase==3.29.0
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from matminer.featurizers.structure.rdf import RadialDistributionFunction
from pymatgen.core import Lattice, Structure

print("matminer", version("matminer"), "pymatgen", version("pymatgen"))
cubic = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.05), ["Al"], [[0, 0, 0]])
cells = {"primitive": cubic.get_primitive_structure(), "cubic": cubic, "2 x 2 x 2 cubic": cubic * (2, 2, 2)}
edges = np.arange(0, 12.5, 0.5)
volumes = 4 / 3 * np.pi * np.diff(edges**3)
found = {}
for name, cell in cells.items():
    atoms = Atoms("Al" * len(cell), cell=cell.lattice.matrix, positions=cell.cart_coords, pbc=True)
    counts = np.histogram(neighbor_list("d", atoms, 12.0), edges)[0]
    due = counts / len(atoms) / volumes / (len(atoms) / atoms.get_volume())
    seen = RadialDistributionFunction(cutoff=12.0, bin_size=0.5).featurize(cell)
    found[name] = len(cell), due, seen
    print(f"{name:16} {len(cell):3} atoms: mean of 8 to 12 A expected {due[16:].mean():.3f}, seen {seen[16:].mean():.3f}")
due = found["cubic"][1]
same = all(np.allclose(row[1], due, rtol=1e-6) for row in found.values())
sys.exit(0 if same and all(np.allclose(seen, n * due, rtol=1e-6) for n, _, seen in found.values()) else 1)
PYTHON
