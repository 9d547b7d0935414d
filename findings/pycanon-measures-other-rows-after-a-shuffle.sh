#!/usr/bin/env bash
# pycanon 1.3.6: measures of a table whose index is not 0, 1, 2, ... in order (shuffled or sorted rows) are of other rows:
# classes are collected by index labels and looked up by position. Expected: the same figures for the same rows in any order,
# as k-anonymity is. Seen: l-diversity rises from 1 to 2, t-closeness falls from 0.67 to 0.33 and alpha from 1 to 0.5, where
# every patient of a class has the same disease; no warning. After reset_index(drop=True) all is right.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check pycanon==1.3.6 pandas==2.3.3 \
    numpy==2.0.2 scipy==1.15.3
venv/bin/python -W ignore - <<'PYTHON'
import sys
from collections import Counter, defaultdict
from importlib.metadata import version

import pandas as pd
from pycanon.anonymity import alpha_k_anonymity, k_anonymity, l_diversity, t_closeness

print("pycanon", version("pycanon"), "pandas", version("pandas"))
table = pd.DataFrame({"age": ["20-29"] * 6 + ["30-39"] * 6 + ["40-49"] * 6,
                      "disease": ["flu"] * 6 + ["asthma"] * 6 + ["ulcer"] * 6})


def measures(frame):
    return (k_anonymity(frame, ["age"]), l_diversity(frame, ["age"], ["disease"]),
            round(float(t_closeness(frame, ["age"], ["disease"])), 3),
            round(float(alpha_k_anonymity(frame, ["age"], ["disease"])[0]), 3))


def expected(frame):
    classes, whole = defaultdict(Counter), Counter(frame["disease"])
    for age, disease in zip(frame["age"], frame["disease"]):
        classes[age][disease] += 1
    size = {age: sum(counts.values()) for age, counts in classes.items()}
    t = max(sum(abs(counts[d] / size[age] - n / len(frame)) for d, n in whole.items()) / 2 for age, counts in classes.items())
    alpha = max(max(counts.values()) / size[age] for age, counts in classes.items())
    return min(size.values()), min(len(counts) for counts in classes.values()), round(t, 3), round(alpha, 3)


shuffled = table.sample(frac=1, random_state=3)
found = {}
for name, frame in {"as made": table, "shuffled": shuffled,
                    "shuffled, new index": shuffled.reset_index(drop=True)}.items():
    found[name] = measures(frame), expected(frame)
    print(f"{name:24} (k, l, t, alpha) expected {found[name][1]}, seen {found[name][0]}")
good = all(found[name][0] == found[name][1] for name in ("as made", "shuffled, new index"))
seen, due = found["shuffled"]
sys.exit(0 if good and seen[0] == due[0] and seen[1] > due[1] and seen[2] < due[2] and seen[3] < due[3] else 1)
PYTHON
