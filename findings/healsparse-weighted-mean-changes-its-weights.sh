#!/usr/bin/env bash
# healsparse 1.15.0: a map that is handed to degrade(..., reduction="wmean", weights=map) as the weights is altered by the
# call: its unobserved pixels become 0 and valid, over the whole sky; later uses of it are wrong.
# Expected: the documentation calls it "the map with the weights to use" and says nothing of a change. Seen: sentinels in
# the caller's map are overwritten in place, so that a lookup off the survey finds weight 0 instead of "unseen", and the
# next mean over the weights themselves is diluted by zeros (2.0 becomes 1.0 below).
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
pixels = np.array([300000, 300001])  # two of the four fine pixels of a coarse one
depth = healsparse.HealSparseMap.make_empty(32, 512, np.float64)
depth.update_values_pix(pixels, np.array([24.0, 25.0]))
weights = healsparse.HealSparseMap.make_empty(32, 512, np.float64)
weights.update_values_pix(pixels, np.array([2.0, 2.0]))


def state():
    far = weights.get_values_pos(10.0, -60.0, valid_mask=True)
    coarse = weights.degrade(256, reduction="mean")
    return bool(far), float(coarse[75000]), int(coarse.n_valid)


before = state()
print("weighted mean of the depth:", depth.degrade(256, reduction="wmean", weights=weights)[75000])
after = state()
for name, (far, mean, number) in (("before", before), ("after", after)):
    print(f"weights {name:6}: valid at Dec -60: {far}, mean of the coarse pixel {mean}, valid coarse pixels {number}")
print("expected: two equal lines; seen: the weights are another map after they were used")
sys.exit(0 if before == (False, 2.0, 1) and after == (True, 1.0, 128) else 1)
PYTHON
