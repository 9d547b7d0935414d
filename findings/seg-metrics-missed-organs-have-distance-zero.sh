#!/usr/bin/env bash
# seg-metrics 1.2.8: the surface distances of an organ that was missed altogether, or found where none is, are 0, the best
# value. Expected: infinity, NaN or an error: the Hausdorff distance (its documentation cites the definition) is a greatest
# distance to the nearest point of the other set, which has none. Seen: 0 for hd, hd95, msd, mdsd and stdsd, better than a
# result one voxel off (1 mm), in both directions: means over many organs improve where a segmentation drops the difficult ones.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    seg-metrics==1.2.8 medutils==0.1.21 SimpleITK==2.5.7 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 tqdm==4.70.1 \
    python-dateutil==4.0.0 six==1.17.0 matplotlib==3.11.2 packaging==26.4 \
    contourpy==1.3.3 cycler==0.12.1 kiwisolver==1.5.1 pyparsing==3.3.3 fonttools==4.68.0 pillow==13.0.0
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import logging
import types

import numpy as np

sys.modules["pingouin"] = types.ModuleType("pingouin")  # of correlations within classes alone, which are not asked for
import seg_metrics.seg_metrics as sg  # noqa: E402

logging.disable(logging.CRITICAL)
print("seg-metrics", version("seg-metrics"))


def cube(*corner):
    image = np.zeros((12, 12, 12), int)
    if corner:
        image[tuple(slice(start, start + 3) for start in corner)] = 1
    return image


points = np.argwhere(cube(3, 3, 4)), np.argwhere(cube(3, 3, 3))
distances = np.linalg.norm(points[0][:, None] - points[1], axis=-1)
due = max(distances.min(0).max(), distances.min(1).max())
names = ["dice", "hd", "hd95", "msd", "mdsd", "stdsd"]
good = True
for name, truth, found, expected in (("one voxel off", cube(3, 3, 3), cube(3, 3, 4), due),
                                     ("missed", cube(3, 3, 3), cube(), np.inf), ("not there", cube(), cube(3, 3, 3), np.inf)):
    row = sg.write_metrics(labels=[1], gdth_img=truth, pred_img=found, spacing=[1, 1, 1], metrics=list(names))[0]
    seen = {key: float(row[key][0]) for key in names}
    print(f"{name:14} hd expected {expected}, seen", ", ".join(f"{key} {value:.3f}" for key, value in seen.items()))
    good &= seen["hd"] == due if expected == due else all(value == 0 for value in seen.values())
sys.exit(0 if good else 1)
PYTHON
