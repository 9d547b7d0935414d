#!/usr/bin/env bash
# matminer 0.10.1: WenAlloys, the features of high-entropy alloys, has three quantities wrong. Expected: the configuration
# entropy -R sum c ln c, positive (the docstring lacks the minus); the mixing enthalpy 4 sum c_i c_j H_ij of the cited paper
# (Wen et al., Acta Materialia 170, 109), whose sign tells compounds (negative) from segregation; gamma of the radii by its
# docstring, out of ((r + r_min)^2 - r^2) / (r + r_min)^2. Seen: the entropy is negative, and lambda with it; the enthalpy is
# an absolute value, 22 kJ/mol for NiAl, which has -22; gamma takes r r_min + r_min^2 for (r + r_min)^2 - r^2 = 2 r r_min +
# r_min^2.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check matminer==0.10.1 \
    pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from matminer.featurizers.composition.alloy import WenAlloys
from matminer.utils.data import MagpieData, MixingEnthalpy
from pymatgen.core import Composition

print("matminer", version("matminer"))
wen, radii, table = WenAlloys(), MagpieData(), MixingEnthalpy()
good = True
for formula in ("NiAl", "CuAg", "CoCrFeNi", "Al0.5CoCrFeNi", "ZrTiCuNi"):
    alloy = Composition(formula).fractional_composition
    elements, c = list(alloy), np.array(list(alloy.values()))
    r = np.array(radii.get_elemental_properties(elements, "MiracleRadius"))
    mean, low, high = c @ r, r.min(), r.max()
    pairs = [(i, j) for i in range(len(c)) for j in range(i)]


    def solid(size):
        return 1 - np.sqrt(((mean + size) ** 2 - mean**2) / (mean + size) ** 2)


    due = {"Configuration entropy": -8.314e-3 * c @ np.log(c),
           "Mixing enthalpy": 4 * sum(c[i] * c[j] * table.get_mixing_enthalpy(elements[i], elements[j]) for i, j in pairs),
           "Radii gamma": solid(low) / solid(high)}
    seen = {name: float(value) for name, value in zip(wen.feature_labels(), wen.featurize(Composition(formula))) if name in due}
    print(f"{formula:14}" + "; ".join(f"{name} expected {due[name]:+.4f}, seen {seen[name]:+.4f}" for name in due))
    good &= abs(seen["Configuration entropy"] + due["Configuration entropy"]) < 1e-9
    good &= abs(seen["Mixing enthalpy"] - abs(due["Mixing enthalpy"])) < 1e-6
    good &= abs(seen["Radii gamma"] - due["Radii gamma"]) > 1e-3 or low == high
sys.exit(0 if good else 1)
PYTHON
