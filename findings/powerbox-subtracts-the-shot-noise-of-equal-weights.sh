#!/usr/bin/env bash
# powerbox 1.0.0: get_power of weighted points subtracts the shot noise of equal weights: points without any structure
# keep a positive power on all scales. Expected: with `remove_shotnoise` (default) the power of Poisson points, weighted
# independently of place, is 0 within its error; the shot noise is V sum(w^2) / sum(w)^2 (Feldman, Kaiser and Peacock
# 1994), which is what get_power itself finds with remove_shotnoise=False. Seen: V / N is subtracted whatever the weights
# ("weights for each point"), and what is left is V (sum(w^2) / sum(w)^2 - 1 / N): 3.6 times V / N where one point in ten
# weighs as a galaxy of a sparse sample does, and the more the wider the weights spread.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check powerbox==1.0.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from powerbox import get_power

print("powerbox", version("powerbox"))
N, SIDE = 20_000, 10.0
rng = np.random.default_rng(1)
points = rng.uniform(0, SIDE, (N, 3))
cases = {
    "equal": np.full(N, 3.0), "uniform in [0, 2]": rng.uniform(0, 2, N), "exponential": rng.exponential(size=N),
    "1 in 10 weighs 20": np.where(np.arange(N) % 10 == 0, 20.0, 1.0),
}
good = True
for name, weights in cases.items():
    raw, left = (get_power(points, SIDE, N=32, weights=weights, remove_shotnoise=remove) for remove in (False, True))
    modes = raw.nsamples[1:]
    raw, left = (np.average(result.power[1:], weights=modes) for result in (raw, left))
    noise = SIDE**3 * np.sum(weights**2) / np.sum(weights) ** 2
    print(f"weights {name:18} shot noise {noise:.4f}, power before subtraction {raw:.4f}, after it {left:+.4f}, "
          f"expected 0, V sum(w^2)/sum(w)^2 - V/N {noise - SIDE**3 / N:.4f}")
    good &= abs(raw / noise - 1) < 0.05 and abs(left - (noise - SIDE**3 / N)) < 0.05 * noise
sys.exit(0 if good else 1)
PYTHON
