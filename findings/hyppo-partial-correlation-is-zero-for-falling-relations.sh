#!/usr/bin/env bash
# hyppo 0.5.2: PartialCorr is 0 wherever a variable falls with the conditioning one, and its p-values are half of what is due.
# Expected: the formula of its documentation, (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)), which is also the
# correlation of the residuals, and the two-sided p-value of Student's t with n - 3 degrees of freedom, below 0.05 in one of
# twenty cases without a relation. Seen: with r_xz < 0 the statistic is 0 and p 0.5 where 0.96 is due; p is one-sided of the
# absolute value: it is never above 0.5, and one case in ten is below 0.05.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    hyppo==0.5.2 numpy==2.4.6 scipy==1.17.1 numba==0.68.1 llvmlite==0.50.0 scikit-learn==1.9.1 joblib==1.6.0 \
    threadpoolctl==3.8.0 narwhals==2.29.0 pandas==3.1.1 python-dateutil==4.0.0 six==1.17.0 patsy==1.0.3 statsmodels==0.15.0 \
    formulaic==1.2.2 interface_meta==2.0.1 wrapt==2.5.2 typing_extensions==4.16.0 cloudpickle==3.1.3 autograd==1.9.1 \
    future==1.0.0 packaging==26.4
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from hyppo.conditional import PartialCorr
from scipy import stats

print("hyppo", version("hyppo"))
rng = np.random.default_rng(1)


def residuals(values, given):
    design = np.column_stack([np.ones_like(given), given])
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def both(x, y, z):
    due = np.corrcoef(residuals(x, z), residuals(y, z))[0, 1]
    freedom = len(x) - 3
    p = 2 * stats.t.sf(abs(due) * np.sqrt(freedom / (1 - due**2)), freedom)
    seen = PartialCorr().test(x[:, None], y[:, None], z[:, None])
    return due, p, float(seen.stat), float(seen.pvalue)


good = True
for sign in (1, -1):
    z, common, noise = rng.normal(size=(3, 300))
    due, p, seen, seen_p = both(sign * z + common, z + common + 0.3 * noise, z)
    print(f"x {'rises' if sign > 0 else 'falls'} with z: expected {due:.4f} (p {p:.1g}), seen {seen:.4f} (p {seen_p:.1g})")
    good &= abs(seen - due) < 1e-9 if sign > 0 else seen == 0 and seen_p == 0.5
rows = []
while len(rows) < 400:
    z, x, y = rng.normal(size=(3, 50))
    rows.append(both(x + 2 * z, y + 2 * z, z))
rows = np.array(rows)
good &= np.allclose(rows[:, 0], rows[:, 2]) and np.allclose(rows[:, 1], 2 * rows[:, 3])
print("without a relation, share of p < 0.05: expected", np.mean(rows[:, 1] < 0.05), "seen", np.mean(rows[:, 3] < 0.05),
      "greatest p", rows[:, 3].max().round(3))
sys.exit(0 if good else 1)
PYTHON
