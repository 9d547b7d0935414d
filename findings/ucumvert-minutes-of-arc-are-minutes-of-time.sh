#!/usr/bin/env bash
# ucumvert 0.3.2: some UCUM codes become other quantities of pint, without a word. Expected: the values of UCUM's own table,
# which the package carries (ucum-essence.xml). Seen: ' and '' (minute and second of arc) are a minute and a second of time,
# g% and mg% (grams, milligrams per 100 ml of laboratory reports) are masses, a [Cal] of food is a calorie instead of a
# kilocalorie, [cft_i] (cubic foot) is a hundredth of a foot, rods and chains of Britain are 12 times too short. deg, mg/dL,
# cal and [sft_i] are right. The expected values below are computed from that table, step by step down to base units.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check ucumvert==0.3.2 pint==0.25.3 lark==1.3.1
venv/bin/python - <<'PYTHON'
import math
import re
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

import ucumvert

print("ucumvert", version("ucumvert"), "pint", version("pint"))
registry = ucumvert.PintUcumRegistry()
NAME = {"u": "http://unitsofmeasure.org/ucum-essence"}
root = ElementTree.parse(Path(ucumvert.__file__).parent / "vendor" / "ucum-essence.xml").getroot()
prefixes = {node.get("Code"): float(node.find("u:value", NAME).get("value")) for node in root.findall("u:prefix", NAME)}
base = {node.get("Code") for node in root.findall("u:base-unit", NAME)}
table = {node.get("Code"): node.find("u:value", NAME) for node in root.findall("u:unit", NAME)}


def value(text):  # a product of atoms -> (factor, {base unit: power}), by the table alone
    factor, powers, sign = 1.0, {}, 1
    for token in re.findall(r"[./]|(?:\[[^\]]*\]|[^./\[])+", text):
        if token in "./":
            sign = -1 if token == "/" else 1
            continue
        if token in table or token in base or token.isdigit():
            atom, power = token, 1
        else:
            atom, power = re.fullmatch(r"(.+?)([+-]?\d+)?", token).groups()
            power = int(power or 1)
        scale, units = of_atom(atom)
        factor *= scale ** (sign * power)
        for unit, exponent in units.items():
            powers[unit] = powers.get(unit, 0) + sign * power * exponent
    return factor, {unit: power for unit, power in powers.items() if power}


def of_atom(atom):
    if atom in base:
        return 1.0, {atom: 1}
    if atom.isdigit() or atom == "10*":
        return float(atom.rstrip("*")), {}
    if atom in table:
        scale, units = value(table[atom].get("Unit"))
        return float(table[atom].get("value")) * scale, units
    prefix = next(key for key in sorted(prefixes, key=len, reverse=True) if atom.startswith(key) and atom[len(key):])
    scale, units = of_atom(atom[len(prefix):])
    return prefixes[prefix] * scale, units


wrong = ["'", "''", "g%", "mg%", "[Cal]", "[cft_i]", "[rd_br]", "[ch_br]"]
good = True
for code in ["deg", "mg/dL", "cal", "[sft_i]", *wrong]:
    factor, units = value(code)
    expected = registry.Quantity(factor, registry.Unit("")) * math.prod((registry.Unit(u) ** p for u, p in units.items()),
                                                                       start=registry.Unit(""))
    expected, seen = expected.to_base_units(), registry.from_ucum(code).to_base_units()
    same = expected.dimensionality == seen.dimensionality and math.isclose(expected.m, seen.m, rel_tol=1e-3)
    print(f"{code:8} expected {f'{expected:.5g~C}':<14} seen {seen:.5g~C}" + ("" if same else "   <- another quantity"))
    good &= same == (code not in wrong)
arc, time = registry.from_ucum("'"), registry.from_ucum("min")
print("minute of arc == minute of time:", arc == time)
sys.exit(0 if good and arc == time else 1)
PYTHON
