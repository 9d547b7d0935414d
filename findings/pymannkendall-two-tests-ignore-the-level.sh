#!/usr/bin/env bash
# pymannkendall 1.4.3: regional_test and correlated_seasonal_test ignore `alpha`, the significance level: they decide at 0.05.
# Expected: h = (p < alpha), as their docstrings say and as of multivariate_test and correlated_multivariate_test, which they
# call. Seen: with p = 0.023 and alpha = 0.01 a trend is reported; with p above 0.05 none at alpha = 0.5.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    pymannkendall==1.4.3 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pymannkendall as mk

print("pymannkendall", version("pymannkendall"))
tests = {"multivariate_test": lambda x, a: mk.multivariate_test(x, alpha=a),
         "regional_test": lambda x, a: mk.regional_test(x, alpha=a),
         "correlated_multivariate_test": lambda x, a: mk.correlated_multivariate_test(x, alpha=a),
         "correlated_seasonal_test": lambda x, a: mk.correlated_seasonal_test(x.ravel(), 4, alpha=a)}
good = True
for slope in (0.02, 0.011):
    data = np.random.default_rng(0).normal(size=(30, 4)) + np.arange(30)[:, None] * slope
    for name, test in tests.items():
        p = float(test(data, 0.05).p)
        seen = [bool(test(data, alpha).h) for alpha in (0.01, 0.05, 0.5)]
        due = [p < alpha for alpha in (0.01, 0.05, 0.5)]
        print(f"{name:28} p {p:.3f}, alpha 0.01, 0.05, 0.5: expected {due}, seen {seen}")
        ignores = name in ("regional_test", "correlated_seasonal_test")
        good &= seen == ([p < 0.05] * 3 if ignores else due)
sys.exit(0 if good and p > 0.05 else 1)
PYTHON
