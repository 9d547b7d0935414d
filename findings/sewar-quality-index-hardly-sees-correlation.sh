#!/usr/bin/env bash
# sewar 0.4.10: the universal image quality index takes means of a window for its sums, and so hardly sees the correlation of
# two images. Expected (Wang and Bovik 2002, which sewar cites): the mean over all windows of 4 cov(x, y) mean(x) mean(y) /
# ((var(x) + var(y)) (mean(x)^2 + mean(y)^2)), which lies between -1 and 1: near -1 for the inverted image, near 0 for other
# noise, 0 for a flat image. Seen: 0.78, 0.89 and 0.94. The windows' N * mean(xy) - mean(x) mean(y) is taken for N^2 cov(x, y),
# which needs sums; with means, (N - 1) mean(x) mean(y) stays and outweighs all else.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    sewar==0.4.10 numpy==2.4.6 scipy==1.17.1 pillow==12.0.0
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import sewar

print("sewar", version("sewar"))
rng = np.random.default_rng(1)
image = rng.uniform(50, 200, (64, 64))
cases = {"itself": image, "inverted": 250 - image, "other noise": rng.uniform(50, 200, (64, 64)),
         "flat": np.full((64, 64), 125.0)}


def windows(array, size=8):
    return np.lib.stride_tricks.sliding_window_view(array, (size, size)).reshape(-1, size * size)


good = True
for name, other in cases.items():
    x, y = windows(image), windows(other)
    a, b, n = x.mean(1), y.mean(1), x.shape[1]
    covariance = np.mean((x - a[:, None]) * (y - b[:, None]), axis=1)
    due = np.mean(4 * covariance * a * b / ((x.var(1) + y.var(1)) * (a**2 + b**2)))
    mixed = n * np.mean(x * y, 1) - a * b, n * np.mean(x**2 + y**2, 1) - a**2 - b**2
    used = np.mean(4 * mixed[0] * a * b / (mixed[1] * (a**2 + b**2)))
    seen = float(sewar.uqi(image, other))
    print(f"{name:12} expected {due:+.4f}, seen {seen:+.4f}, means for sums {used:+.4f}")
    good &= abs(seen - used) < 0.01 and (name == "itself" or seen - due > 0.8)
sys.exit(0 if good else 1)
PYTHON
