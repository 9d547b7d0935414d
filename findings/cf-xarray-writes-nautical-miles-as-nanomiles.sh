#!/usr/bin/env bash
# cf-xarray 0.11.3 with pint 0.25.3: the "cf" format of units, made for CF files, writes texts that UDUNITS reads as units
# of another size: a nautical mile becomes "nmi", which is a nanomile, a carat "ct", a centitonne, counts per second
# "cps", cycles (of 2 pi) per second, a thermochemical calorie "cal", the international one. Each is valid UDUNITS, so no
# checker objects. Expected: a text of the same size (docstring: "a CF-compliant unit string"; CF refers to UDUNITS for
# the meaning of units), as "m", "hPa" or "ft" are; "nautical_mile" and "carat" would be one. UDUNITS by cf-units 3.3.1.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check cf-xarray==0.11.3 pint==0.25.3 \
    cf-units==3.3.1 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import cf_units
import cf_xarray.units  # registers the "cf" format

print(*(f"{name} {version(name)}" for name in ("cf-xarray", "pint", "cf-units")))
REGISTRY = cf_xarray.units.units
TRUE = {  # size in base units, by definition
    "foot": (0.3048, "m"), "hectopascal": (100.0, "Pa"), "nautical_mile": (1852.0, "m"), "carat": (2e-4, "kg"),
    "counts_per_second": (1.0, "count/s"), "calorie": (4.184, "J"),
}
found = {}
for name, (size, base) in TRUE.items():
    unit = REGISTRY.Unit(name)
    text = f"{unit:cf}"
    found[name] = float(cf_units.Unit(text).convert(1.0, base)) / size
    print(f"1 {name:18} written as {text:4}: UDUNITS reads {found[name] * size:.6g} {base}, {found[name]:.6g} of its size")
print("expected: 1 of its size in every line; UDUNITS knows the long name:",
      cf_units.Unit("nautical_mile").convert(1.0, "m"), "m")
wrong = {"nautical_mile": 8.6898e-10, "carat": 5e4, "counts_per_second": 6.28319, "calorie": 1.000669}
sys.exit(0 if all(abs(found[name] / wrong.get(name, 1.0) - 1) < 1e-5 for name in TRUE) else 1)
PYTHON
