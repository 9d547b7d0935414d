#!/usr/bin/env bash
# SynthEval 1.7.3: corr_diff, the difference of mixed correlation matrices, has the squares of Cramer's V and of the
# correlation ratio eta beside a plain correlation, and Pearson's for the stated Spearman's. Expected, by its docstrings: V of
# two categories (scipy's association), eta of a category and a number, Spearman's rho of two numbers. Seen: V^2, eta^2,
# Pearson's r, so that weak dependences of categories nearly vanish: V = 0.3 counts 0.09. The matrices below are those it
# returns.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check syntheval==1.7.3 \
    numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 scikit-learn==1.9.1 lightgbm==4.7.0 pcametric==1.2.0 matplotlib==3.11.2
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr
from scipy.stats.contingency import association
from syntheval import SynthEval

print("syntheval", version("syntheval"))
rng = np.random.default_rng(1)
a = rng.integers(0, 3, 3000)
b = np.where(rng.random(3000) < 0.3, a, rng.integers(0, 3, 3000))
x = a + rng.normal(0, 2, 3000)
y = np.exp(x) + rng.normal(0, 0.1, 3000)
table = pd.DataFrame({"a": np.array(list("pqr"))[a], "b": np.array(list("stu"))[b], "x": x, "y": y})
session = SynthEval(table, cat_cols=["a", "b"], verbose=False, console="off", enable_plots=False, show_warnings=False)
session.evaluate(table.sample(frac=1, random_state=1).reset_index(drop=True), corr_diff={"return_mats": True})
matrix = session._raw_results["corr_diff"]["real_cor_mat"]
means = table.groupby("a")["x"].transform("mean")
eta = float(np.sqrt(((means - x.mean()) ** 2).sum() / ((x - x.mean()) ** 2).sum()))
v = float(association(pd.crosstab(table["a"], table["b"]).to_numpy(), method="cramer"))
rows = {("a", "b"): ("Cramer's V", v, v**2), ("a", "x"): ("eta", eta, eta**2),
        ("x", "y"): ("Spearman's rho", float(spearmanr(x, y)[0]), float(pearsonr(x, y)[0]))}
good = True
for (first, second), (name, due, other) in rows.items():
    seen = float(matrix.loc[first, second])
    print(f"{first} and {second}: expected {name} {due:.4f}, seen {seen:.4f} ({'squared' if name[0] != 'S' else 'Pearson'}: {other:.4f})")
    good &= abs(seen - other) < 1e-6 < 0.05 < abs(seen - due)
sys.exit(0 if good else 1)
PYTHON
