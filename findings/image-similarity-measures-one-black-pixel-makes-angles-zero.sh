#!/usr/bin/env bash
# image-similarity-measures 0.3.6: a single pixel that is 0 in all bands makes the spectral angle of two images 0, the best
# value. Expected: the mean angle of the pixels that have a spectrum (or NaN): the angle with a zero vector is not defined, and
# satellite images have such pixels outside their swath. Seen: its 0/0 makes the mean NaN, and the NaN is returned as 0.0:
# images of unrelated noise, 36 degrees apart, are alike after one pixel of 400 has gone black.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    image-similarity-measures==0.3.6 numpy==1.26.4 scikit-image==0.20.0 scipy==1.13.1 opencv-python-headless==4.11.0.86 \
    packaging==24.2 lazy_loader==0.4 networkx==3.4.2 pillow==11.3.0
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import types

import numpy as np

sys.modules["phasepack"] = phasepack = types.ModuleType("phasepack")  # no wheel; of `fsim` alone, which is not called
sys.modules["phasepack.phasecong"] = phasepack.phasecong = types.ModuleType("phasepack.phasecong")
from image_similarity_measures import quality_metrics  # noqa: E402

print("image-similarity-measures", version("image-similarity-measures"))
rng = np.random.default_rng(1)
one, other = rng.uniform(100, 4000, (2, 20, 20, 4))
seen = []
for black in (0, 1, 40):
    image = one.copy().reshape(-1, 4)
    image[:black] = 0
    a, b = image[black:], other.reshape(-1, 4)[black:]
    cosine = np.sum(a * b, 1) / np.sqrt(np.sum(a**2, 1) * np.sum(b**2, 1))
    due = np.degrees(np.arccos(cosine)).mean()
    seen.append(float(quality_metrics.sam(image.reshape(one.shape), other)))
    print(f"{black:2} black pixels of 400: expected {due:.3f} degrees, seen {seen[-1]:.3f}")
    good = seen[0] > 30 and (black == 0 or seen[-1] == 0)
sys.exit(0 if good and seen[1:] == [0, 0] else 1)
PYTHON
