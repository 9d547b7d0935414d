#!/usr/bin/env bash
# correctionlib 2.9.0: a formula `-x^2` is evaluated as (-x)^2, and so exp(-x^2/2) as exp(+x^2/2): a correction that
# should fall like a Gaussian grows, without a warning. `0-x^2`, `-(x^2)` and `-pow(x,2)` are right.
# Expected: the value of ROOT, whose syntax the field `parser: "TFormula"` names; there `x^2` is pow(x,2) and the minus
# comes after it (TFormula's own `gaus` is documented as [0]*exp(-0.5*((x-[1])/[2])^2)); Python, numexpr and C agree.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check correctionlib==2.9.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from math import exp

from correctionlib import schemav2

print("correctionlib", version("correctionlib"))
real = {name: schemav2.Variable(name=name, type="real") for name in ("x", "scale")}


def evaluate(text, x):
    formula = schemav2.Formula(nodetype="formula", expression=text, parser="TFormula", variables=["x"])
    correction = schemav2.Correction(
        name="efficiency", version=1, inputs=[real["x"]], output=real["scale"], data=formula
    )
    return correction.to_evaluator().evaluate(x)


CASES = [("-x^2", -9.0, 9.0), ("0-x^2", -9.0, -9.0), ("-(x^2)", -9.0, -9.0), ("-pow(x,2)", -9.0, -9.0),
         ("1-x^2", -8.0, -8.0), ("-x^2+1", -8.0, 10.0), ("exp(-x^2/2)", exp(-4.5), exp(4.5))]
good = True
for text, expected, seen in CASES:
    value = evaluate(text, 3.0)
    good &= abs(value - seen) < 1e-9 * abs(seen)
    print(f"x = 3: {text:12} expected {expected:10.6g}  seen {value:10.6g}", "" if expected == value else "  <- differs")
sys.exit(0 if good else 1)
PYTHON
