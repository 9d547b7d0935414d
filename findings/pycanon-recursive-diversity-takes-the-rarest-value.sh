#!/usr/bin/env bash
# pycanon 1.3.6: the c of recursive (c, l)-diversity is of the rarest value of a class, not of the most frequent one: tables
# look far more private than they are. Expected, by the definition (Machanavajjhala et al. 2007): with the counts in falling
# order, r1 >= r2 >= ... >= rm, a class is (c, l)-diverse if r1 < c (rl + ... + rm); the smallest whole c of the worst class
# is asked for. Seen: the counts are sorted upwards. A class with ten of one disease and two others gets c = 1, as if 10 were
# less than 2. l is right, and c of classes whose counts are all equal.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check pycanon==1.3.6 pandas==2.3.3 \
    numpy==2.0.2 scipy==1.15.3
venv/bin/python -W ignore - <<'PYTHON'
import sys
from collections import Counter, defaultdict
from importlib.metadata import version

import pandas as pd
from pycanon.anonymity import recursive_c_l_diversity

print("pycanon", version("pycanon"), "pandas", version("pandas"))


def smallest(rows):  # (c, l) by the definition
    classes = defaultdict(Counter)
    for age, disease in rows:
        classes[age][disease] += 1
    l = min(len(counts) for counts in classes.values())
    c = 0
    for counts in classes.values():
        r = sorted(counts.values(), reverse=True)
        c = max(c, next(c for c in range(1, 1000) if r[0] < c * sum(r[l - 1:])))
    return c, l


def rows(*classes):
    return [(age, disease) for age, counts in classes for disease, n in counts.items() for _ in range(n)]


tables = {
    "2 flu, 2 asthma": rows(("20-29", {"flu": 2, "asthma": 2})),
    "10 flu, 2 asthma": rows(("20-29", {"flu": 10, "asthma": 2})),
    "10 flu, 1 asthma, 1 ulcer": rows(("20-29", {"flu": 10, "asthma": 1, "ulcer": 1})),
    "two classes, 12 and 1, 6 and 6": rows(("20-29", {"flu": 12, "asthma": 1}), ("30-39", {"flu": 6, "asthma": 6})),
}
found = {}
for name, table in tables.items():
    c, l = recursive_c_l_diversity(pd.DataFrame(table, columns=["age", "disease"]), ["age"], ["disease"])
    found[name] = (int(c), l), smallest(table)
    print(f"{name:32} expected (c, l) = {found[name][1]}, seen {found[name][0]}")
names = list(tables)
good = found[names[0]][0] == found[names[0]][1] and all(found[n][0][0] < found[n][1][0] for n in names[1:])
sys.exit(0 if good and all(seen[1] == due[1] for seen, due in found.values()) else 1)
PYTHON
