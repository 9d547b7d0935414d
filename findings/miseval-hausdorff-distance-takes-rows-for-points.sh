#!/usr/bin/env bash
# miseval 1.3.0: the Hausdorff distance of two segmentations takes the rows of the images for points, and ignores the class.
# Expected: the distance of the two sets of pixels (Taha and Hanbury 2015, which it cites; scipy's directed_hausdorff gives
# the values here). Seen: an organ found 20 pixels too low has distance 0, one 20 pixels beside has 3.16, and every class of a
# segmentation has the same. AHD, the average Hausdorff distance, is the greatest distance: one stray pixel makes it 44.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check miseval==1.3.0 hausdorff==0.2.6 \
    dictances==1.5.3 numba==0.68.1 scikit-image==0.26.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from miseval import evaluate
from scipy.spatial import KDTree
from scipy.spatial.distance import directed_hausdorff

print("miseval", version("miseval"), "scipy", version("scipy"))
truth = np.zeros((64, 64), int)
truth[10:20, 10:20] = 1
stray = truth.copy()
stray[50, 50] = 1
found = {}
for name, mask in {"the same": truth, "20 pixels lower": np.roll(truth, 20, 0), "20 pixels to the right": np.roll(truth, 20, 1),
                   "one stray pixel": stray}.items():
    a, b = np.argwhere(truth), np.argwhere(mask)
    greatest = max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])
    average = max(KDTree(b).query(a)[0].mean(), KDTree(a).query(b)[0].mean())
    found[name] = greatest, float(evaluate(truth, mask, "HD")), average, float(evaluate(truth, mask, "AHD"))
    print("{:23} HD expected {:6.3f}, seen {:6.3f}; AHD expected {:6.3f}, seen {:6.3f}".format(name, *found[name]))
classes = np.where(np.arange(64)[:, None] > 40, 2, truth) + 0
moved = np.where(np.arange(64)[:, None] > 40, 2, np.roll(truth, 5, 1))
each = evaluate(classes, moved, "HD", multi_class=True, n_classes=3)
print("three classes, of which class 2 is perfect: HD", each)
good = found["the same"][1] == 0 and found["20 pixels lower"][:2] == (20.0, 0.0)
good &= found["20 pixels to the right"][0] == 20 and found["20 pixels to the right"][1] < 4
good &= found["one stray pixel"][2] < 0.5 and found["one stray pixel"][3] == found["one stray pixel"][0]
sys.exit(0 if good and len(set(each)) == 1 and each[2] > 0 else 1)
PYTHON
