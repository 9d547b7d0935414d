#!/usr/bin/env bash
# matminer 0.10.1: Miedema adds the enthalpy of transformation of an element (Si, Ge, C, N, P, B, H: into a metal) once for
# each pair that it is in. Expected: once, by its share in the alloy, so that a trace of a third element changes next to
# nothing. Seen: FeSi has 0.397 eV an atom; with a millionth of Ni it has 0.573, with a millionth of Co besides 0.749: 34
# kJ/mol of half the atoms each time, for every phase (compound, amorphous, solid solution). Alloys of metals alone do not
# jump.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check matminer==0.10.1 \
    pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from matminer.featurizers.composition.alloy import Miedema
from pymatgen.core import Composition

print("matminer", version("matminer"))
miedema = Miedema()
trace, good = 1e-6, True
for base, element in (("FeSi", "Si"), ("Ni2B", "B"), ("FeAl", "Al")):
    share = Composition(base).get_atomic_fraction(element)
    transformation = float(miedema.df_dataset.loc[element, "H_trans"])  # kJ/mol
    binary = np.array(miedema.featurize(Composition(base)), float)
    for others in (("Co",), ("Co", "Mn")):
        alloy = Composition({**Composition(base).as_dict(), **dict.fromkeys(others, trace)})
        jump = np.array(miedema.featurize(alloy), float) - binary
        twice = len(others) * share * transformation / 96.4853  # one more count for each trace element
        print(f"{base} with a millionth of {' and '.join(others):10}: expected a change below 0.001 eV an atom, seen"
              f" {jump.round(4)} ({miedema.feature_labels()}); counted again: {twice:.4f}")
        good &= np.allclose(jump, twice, atol=1e-3) and (twice > 0.05) == (element != "Al")
sys.exit(0 if good else 1)
PYTHON
