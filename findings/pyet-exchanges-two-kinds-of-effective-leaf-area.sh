#!/usr/bin/env bash
# pyet 1.5.0: the options 2 and 3 of `lai_eff` (effective leaf area of pm and thom_oliver) are exchanged. Expected, by the
# text of both functions: "2 => LAI_eff = 0.5 * LAI; (LAI>4=4)", half the leaf area up to 4, and "3 => see Zhang et al.
# (2008)", where it is LAI up to 2, 2 from 2 to 4, and half of LAI above. Seen: 2 is Zhang's, 3 is the capped half. A canopy of
# LAI 2 has half the surface resistance that was asked for. Options 0 and 1 are as the text says.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check --only-binary :all: pyet==1.5.0 \
    xarray==2026.9.0 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyet

print("pyet", version("pyet"))
days = pd.date_range("2023-06-01", periods=5)
leaf = pd.Series([1.0, 2.0, 3.0, 5.0, 8.0], index=days)
text = " ".join(pyet.pm.__doc__.split())
print(text[text.index("lai_eff"):][:230])


def series(value):
    return pd.Series(float(value), index=days)


def effective(option):  # out of pm itself: its surface resistance is 100 / LAI_eff, its aerodynamic one 208 / u2
    pet = pyet.pm(series(20), series(2), rn=series(15), ea=series(1.2), elevation=0.0, lat=0.8, lai=leaf, lai_eff=option)
    es = 0.6108 * np.exp(17.27 * 20 / (20 + 237.3))
    delta, gamma, latent = 4098 * es / (20 + 237.3) ** 2, 0.000665 * 101.3, 2.501 - 0.002361 * 20
    density = 3.486 * 101.3 / ((273.16 + 20) / (1 - 0.378 * 1.2 / 101.3))
    top = delta * 15 + density * 1.013e-3 * 86400 * (es - 1.2) / (208 / 2)
    resistance = (top / (latent * pet.to_numpy()) - delta - gamma) / gamma * (208 / 2)
    return 100 / resistance


x = leaf.to_numpy()
half, capped = 0.5 * x, 0.5 * np.minimum(x, 4)
zhang = np.where(x <= 2, x, np.where(x <= 4, 2.0, 0.5 * x))
expected = {0: half, 1: x / (0.3 * x + 1.2), 2: capped, 3: zhang}
found = {option: effective(option) for option in expected}
for option in expected:
    print(f"lai_eff={option}: LAI {x}  expected {expected[option].round(3)}  seen {found[option].round(3)}")
good = all(np.allclose(found[option], expected[option], rtol=1e-4) for option in (0, 1))
sys.exit(0 if good and np.allclose(found[2], zhang, rtol=1e-4) and np.allclose(found[3], capped, rtol=1e-4) else 1)
PYTHON
