#!/usr/bin/env bash
# ase 3.29.0: an empty text in `Atoms.info` takes the following key with it when the frame is read back from extended
# XYZ: the energy of a labelled frame is lost, or its periodicity.
# Expected: what was written, or an error on writing. The format (ase.io.extxyz: "Values can be quoted with `\"\"`") can
# say an empty text. Seen: it is written bare, `source= energy=-3.5`; the reader makes 'energy=-3.5' the text's value.
# The frame then has forces and no energy; without a calculator the flags `pbc="T T F"` go, and a slab is a bulk crystal.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check ase==3.29.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

print("ase", version("ase"))


def read_back(text, calculated):
    slab = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]], cell=[5, 5, 20], pbc=[True, True, False])
    slab.info["source"] = text
    if calculated:
        slab.calc = SinglePointCalculator(slab, energy=-3.5, forces=np.zeros((2, 3)))
    ase.io.write("frames.xyz", slab, format="extxyz")
    frame = ase.io.read("frames.xyz")
    results = sorted(frame.calc.results) if frame.calc else []
    print(f"source {text!r:6} -> {frame.info}, results {results}, pbc {frame.pbc.tolist()}")
    return results, frame.pbc.tolist()


named, empty = read_back("run1", True), read_back("", True)
bare_named, bare_empty = read_back("run1", False), read_back("", False)
print("expected: the same results and flags in each pair; seen: the energy is gone, or pbc is True three times")
good = named == (["energy", "forces"], [True, True, False]) and empty == (["forces"], [True, True, False])
sys.exit(0 if good and bare_named[1] == [True, True, False] and bare_empty[1] == [True] * 3 else 1)
PYTHON
