#!/usr/bin/env bash
# healsparse 1.15.0: degrade(..., reduction="sum") or "prod" fills a sparse map with invented values: pixels that were
# never observed come out valid, 0 (or 1), within each coverage pixel and, on lookup, everywhere on the sky.
# Expected: as of "mean", "max" and the others, a coarse pixel without a single valid fine pixel stays invalid
# (documentation: the reduction runs "over valid pixels"; a pixel is valid where it is above the sentinel). Seen: one
# coarse pixel of counts becomes 128 valid ones, the survey's area grows 128-fold, the coverage map covers the sphere, and
# a place on the other side of the sky is a measured zero. The file written from it says the same.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check healsparse==1.15.0 hpgeom==1.6.1 astropy==8.0.2 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import healsparse
import numpy as np

print("healsparse", version("healsparse"))
counts = healsparse.HealSparseMap.make_empty(32, 512, np.float64)
counts.update_values_pix(np.array([300000, 300001]), np.array([1.0, 3.0]))  # two fine pixels of one coarse one
found = {}
for reduction in ("mean", "max", "sum", "prod"):
    coarse = counts.degrade(256, reduction=reduction)
    coarse.write("coarse.hsp", clobber=True)
    again = healsparse.HealSparseMap.read("coarse.hsp")
    far, valid = again.get_values_pos(10.0, -60.0), bool(again.get_values_pos(10.0, -60.0, valid_mask=True))
    found[reduction] = (int(again.n_valid), int((again.coverage_map > 0).sum()), valid)
    print(f"{reduction:5} valid pixels {again.n_valid:4d}, area {again.get_valid_area():.4f} deg2, coverage pixels "
          f"{found[reduction][1]:6d} of 12288, value at RA 10, Dec -60: {far:.4g}, valid: {valid}")
print("expected: 1 valid pixel, 1 coverage pixel, nothing at Dec -60, in every line; seen: not for sum and prod")
good = found["mean"] == found["max"] == (1, 1, False) and found["sum"] == found["prod"] == (128, 12288, True)
sys.exit(0 if good else 1)
PYTHON
