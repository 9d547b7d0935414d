#!/usr/bin/env bash
# SynthEval 1.7.3: the Hellinger distance of a number is 0 whatever the synthetic data are, and of a category it compares
# other categories. Expected: 1 for numbers that do not overlap at all, about 0.35 for normal numbers one standard deviation
# apart; 0.76 for categories of (0.8, 0.1, 0.1) and (0, 0.8, 0.2). Seen: 0 and 0, since the bins have a width of at least 1 on
# numbers that were scaled to 0 to 1 (the rule for the width, n^(1/3) s / (3.5 IQR), is the number of bins); 0.24 for the
# categories, whose bins are laid over the codes that each table happens to have. The metric is in the presets of the package.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check syntheval==1.7.3 \
    numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 scikit-learn==1.9.1 lightgbm==4.7.0 pcametric==1.2.0 matplotlib==3.11.2
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from syntheval import SynthEval

print("syntheval", version("syntheval"))
rng = np.random.default_rng(1)
n = 2000


def distance(real, synthetic, categories):
    session = SynthEval(pd.DataFrame({"x": real}), cat_cols=["x"] if categories else [], verbose=False, console="off",
                        enable_plots=False, show_warnings=False)
    session.evaluate(pd.DataFrame({"x": synthetic}), h_dist={})
    return float(session._raw_results["h_dist"]["avg"])


def hellinger(p, q):
    return float(np.sqrt(max(0.0, 1 - np.sum(np.sqrt(p * q)))))


good = True
for name, shift in (("normal, 1 s apart", 1.0), ("normal, 4 s apart", 4.0), ("normal, 100 s apart", 100.0)):
    seen = distance(rng.normal(size=n), rng.normal(shift, size=n), False)
    due = np.sqrt(1 - np.exp(-(shift**2) / 8))  # of two normal laws of one width
    print(f"{name:24} expected {due:.3f}, seen {seen:.3f}")
    good &= seen == 0
for name, p, q in (("the same categories", (0.5, 0.3, 0.2), (0.5, 0.3, 0.2)), ("all categories kept", (0.5, 0.3, 0.2), (0.2, 0.3, 0.5)),
                   ("the commonest is lost", (0.8, 0.1, 0.1), (0.0, 0.8, 0.2))):
    real, synthetic = (np.repeat(list("abc"), np.round(np.array(law) * n).astype(int)) for law in (p, q))
    seen, due = distance(real, synthetic, True), hellinger(np.array(p), np.array(q))
    print(f"{name:24} expected {due:.3f}, seen {seen:.3f}")
    good &= (abs(seen - due) < 1e-6) == (q[0] > 0) and (q[0] > 0 or seen < due / 2)
sys.exit(0 if good else 1)
PYTHON
