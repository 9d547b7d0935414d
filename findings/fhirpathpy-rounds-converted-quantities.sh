#!/usr/bin/env bash
# fhirpathpy 2.2.4: FHIRPath conversions between kg and pounds, and between g and mg, are rounded to whole numbers, of
# the literals as of an Observation's value: 150 lb are 69 kg (pounds are even rounded up), 250 mg are 0 g.
# Expected: what the FHIRPath specification says of toQuantity ("conversion rules specified by UCUM") and of `=` ("the
# dimensions of each quantity must be the same, but not necessarily the unit"): 1 [lb_av] is 453.59237 g exactly; or an
# empty result, which is allowed where an implementation cannot convert. Seen: wrong quantities without an error, and
# equalities that are true where the values differ by half, and false where they are the same ('kg' and 'g', too).
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check fhirpathpy==2.2.4
venv/bin/python - <<'PYTHON'
import sys
from decimal import Decimal
from importlib.metadata import version

from fhirpathpy import evaluate
from fhirpathpy.models import models

print("fhirpathpy", version("fhirpathpy"))
GRAMS = {"[lb_av]": Decimal("453.59237"), "kg": Decimal(1000), "g": Decimal(1), "mg": Decimal("0.001")}


def observed(value, unit, expression):
    system = {"system": "http://unitsofmeasure.org", "code": unit}
    record = {"resourceType": "Observation", "status": "final", "code": {"text": "mass"},
              "valueQuantity": {"value": value, "unit": unit, **system}}
    return evaluate(record, f"Observation.value{expression}", {}, models["r4"])


good = True
for value, unit, other, seen in ((150, "[lb_av]", "kg", "69"), (3, "[lb_av]", "kg", "2"), (250, "mg", "g", "0"),
                                 (1499, "mg", "g", "1"), (2.5, "g", "mg", "2500")):
    exact = Decimal(str(value)) * GRAMS[unit] / GRAMS[other]
    found = observed(value, unit, f".toQuantity('{other}')")[0]
    print(f"{value} {unit} to {other}: expected {exact.normalize():f}, seen {found}")
    good &= str(found.value) == seen
for value, unit, text, expected, seen in (
    (150, "[lb_av]", "68.0388555 'kg'", True, False), (150, "[lb_av]", "69 'kg'", False, True),
    (1499, "mg", "1 'g'", False, True), (500, "mg", "0.5 'g'", True, False), (2, "kg", "2000 'g'", True, False),
):
    found = observed(value, unit, f" = {text}")
    print(f"{value} {unit} = {text}: expected {expected}, seen {found[0]}")
    good &= found == [seen]
sys.exit(0 if good else 1)
PYTHON
