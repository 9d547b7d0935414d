#!/usr/bin/env bash
# image-similarity-measures 0.3.6: the universal image quality index of an image with itself is not 1 where parts of it are
# flat. Expected (Wang and Bovik 2002, which its documentation cites): 1, the best value, if and only if both images are equal;
# in a flat window only the means are compared, 2 a b / (a^2 + b^2). Seen: each flat window, a 0/0, counts as 0, no likeness:
# an image with a black left half has 0.77 with itself, a flat image 0.
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
image = rng.uniform(100, 4000, (20, 20, 1))
black = image.copy()
black[:, :10] = 0
good = True
for name, picture in {"noise": image, "its left half black": black, "flat": np.full((20, 20, 1), 700.0)}.items():
    windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (8, 8)).reshape(-1, 64)
    share = np.mean(np.ptp(windows, axis=1) > 0)
    seen = float(quality_metrics.uiq(picture, picture))
    print(f"{name:20} with itself: expected 1, seen {seen:.4f}; windows that are not flat {share:.4f}")
    good &= abs(seen - share) < 1e-4
sys.exit(0 if good else 1)
PYTHON
