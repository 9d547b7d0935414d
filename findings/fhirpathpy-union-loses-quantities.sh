#!/usr/bin/env bash
# fhirpathpy 2.2.4: `|` and distinct() of quantities whose units are not of time give an empty collection: counts are 0,
# and what follows has nothing to work on. Expected: the collection without duplicates (FHIRPath, `|`: "merge the two
# collections into a single collection, eliminating any duplicate values"), as combine() keeps them, and as numbers and
# dates are kept. Seen: two weights, or two doses made with toQuantity, are lost without an error.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check fhirpathpy==2.2.4
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

from fhirpathpy import evaluate

print("fhirpathpy", version("fhirpathpy"))
good = True
for expression, expected, seen in (
    ("(1.5 | 2.5 | 1.5).count()", 2, 2), ("(@2020-01-01 | @2021-01-01).count()", 2, 2),
    ("(70 'kg' | 71 'kg').count()", 2, 0), ("(70 'kg').combine(71 'kg').count()", 2, 2),
    ("(70 'kg').combine(71 'kg').distinct().count()", 2, 0), ("(5 'mmol/L' | 5 'mg').count()", 2, 0),
    ("'5 \\'mg\\''.toQuantity().combine('6 \\'mg\\''.toQuantity()).distinct().count()", 2, 0),
    ("(70 'kg').combine(71 'kg').isDistinct()", True, False),
):
    found = evaluate({}, expression)
    print(f"{expression}: expected {expected}, seen {found[0]}")
    good &= found == [seen]
sys.exit(0 if good else 1)
PYTHON
