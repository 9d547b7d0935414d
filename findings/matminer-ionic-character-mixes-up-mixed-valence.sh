#!/usr/bin/env bash
# matminer 0.10.1: IonProperty gives another average ionic character where an element has two oxidation states: the shares of
# the species (Fe2+, Fe3+, O2-) are put to the elements (Fe, O) one after another. Expected: sum of c_i c_j I_ij over pairs of
# elements, with I = 1 - exp(-(x_i - x_j)^2 / 4), the same with and without oxidation states. Seen: 0.0195 for Fe3O4 with
# states, 0.1168 without: iron gets the share of Fe2+, oxygen that of Fe3+. Compounds of one state an element are right.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check matminer==0.10.1 \
    pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from math import exp

from matminer.featurizers.composition.ion import IonProperty
from pymatgen.core import Composition, Element

print("matminer", version("matminer"))
ions = IonProperty()
pairs = {"Fe2O3": {"Fe3+": 2, "O2-": 3}, "Fe3O4": {"Fe2+": 1, "Fe3+": 2, "O2-": 4}, "Mn3O4": {"Mn2+": 1, "Mn3+": 2, "O2-": 4},
         "Pb3O4": {"Pb2+": 2, "Pb4+": 1, "O2-": 4}}
good = True
for formula, species in pairs.items():
    (metal, n), (other, m) = Composition(formula).items()
    x, y = Element(metal.symbol).X, Element(other.symbol).X
    due = n * m / (n + m) ** 2 * (1 - exp(-((x - y) ** 2) / 4))
    plain, charged = (float(ions.featurize(Composition(c))[2]) for c in (formula, species))
    print(f"{formula}: expected {due:.4f}, seen {plain:.4f} without and {charged:.4f} with oxidation states {list(species)}")
    good &= abs(plain - due) < 1e-6 and (abs(charged - due) < 1e-6) == (len(species) == 2)
sys.exit(0 if good else 1)
PYTHON
