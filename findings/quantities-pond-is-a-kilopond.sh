#!/usr/bin/env bash
# quantities 0.16.4: the unit `pond` is 9.80665 N, a thousand times too large: a pond is the weight of a gram, 0.00980665 N.
# Expected: 1 pond = 1 gram-force, as the same package has it under `gram_force`, and 1000 ponds = 1 kilopond = 1
# kilogram-force (pint 0.25.3 knows both). Seen: 1 pond = 1 kilogram_force; a force of 5 ponds comes out as 49 N.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check quantities==0.16.4 pint==0.25.3 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pint
import quantities as pq

print("quantities", version("quantities"), "pint", version("pint"))
REGISTRY = pint.UnitRegistry()
ratio = {}
for name, other in (("pond", "pond"), ("gram_force", "gram_force"), ("kilogram_force", "kilogram_force")):
    found = float((5 * getattr(pq, name)).rescale("N").magnitude)
    expected = REGISTRY.Quantity(5, other).to("N").magnitude
    ratio[name] = found / expected
    print(f"5 {name:14} expected {expected:.8f} N, seen {found:.8f} N")
sys.exit(0 if abs(ratio["pond"] - 1000) < 1e-6 and abs(ratio["gram_force"] - 1) < 1e-9 > abs(ratio["kilogram_force"] - 1) else 1)
PYTHON
