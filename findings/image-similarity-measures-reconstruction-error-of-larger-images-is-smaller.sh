#!/usr/bin/env bash
# image-similarity-measures 0.3.6: the signal to reconstruction error ratio divides by the norm of the error, not its square:
# it grows with the image and depends on the unit. Expected (Lanaras et al. 2018, which its documentation cites):
# 10 log10(mean(x)^2 / (|x - y|^2 / n)), of all sizes of one tiled image the same, and the same for counts as for
# reflectances. Seen: 10 log10(mean(x)^2 n / |x - y|): 3 dB more for twice the side, 36 dB less for reflectances of 0 to 1.
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
one, other = rng.uniform(100, 4000, (2, 8, 8, 1))
good, seen = True, []
for scale in (1.0, 1 / 4095):
    for tiles in (1, 2, 4):
        x, y = (scale * np.tile(image, (tiles, tiles, 1)) for image in (one, other))
        due = 10 * np.log10(np.mean(x) ** 2 / np.mean((x - y) ** 2))
        used = 10 * np.log10(np.mean(x) ** 2 * x.size / np.sqrt(np.sum((x - y) ** 2)))
        seen.append(float(quality_metrics.sre(x, y)))
        good &= abs(seen[-1] - used) < 1e-3
        print(f"{8 * tiles:2} x {8 * tiles:2}, values to {4000 * scale:6.1f}: expected {due:.2f} dB, seen {seen[-1]:.2f} dB")
good &= abs(seen[2] - seen[0] - 20 * np.log10(2)) < 1e-3 and abs(seen[0] - seen[3] - 10 * np.log10(4095)) < 1e-3
sys.exit(0 if good else 1)
PYTHON
