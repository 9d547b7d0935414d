#!/usr/bin/env bash
# pythia8mc 8.317.2: of Les Houches events announced as strategy 3 or -3 only the sign of a weight is taken (its size is
# dropped without a word); as strategy 4 or -4 the file's cross-section is dropped, and the mean weight stands for it.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check pythia8mc==8.317.2 numpy
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pythia8mc

EVENT = """<event>
4 1 {weight} 91.2 -1.0 -1.0
11 -1 0 0 0 0 0.0 0.0 45.6 45.6 0.0 0.0 9.0
-11 -1 0 0 0 0 0.0 0.0 -45.6 45.6 0.0 0.0 9.0
13 1 1 2 0 0 45.6 0.0 0.0 45.6 0.0 0.0 9.0
-13 1 1 2 0 0 -45.6 0.0 0.0 45.6 0.0 0.0 9.0
</event>
"""
print("pythia8mc", version("pythia8mc"))


def run(strategy, weights):
    with open("events.lhe", "w") as file:
        file.write('<LesHouchesEvents version="3.0">\n<init>\n')
        file.write(f"11 -11 45.6 45.6 0 0 0 0 {strategy} 1\n1500.0 3.0 1.0 1\n</init>\n")
        file.write("".join(EVENT.format(weight=weight) for weight in weights) + "</LesHouchesEvents>\n")
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", "Beams:frameType = 4", "Beams:LHEF = events.lhe", "PDF:lepton = off"):
        pythia.readString(line)
    pythia.init()
    found = []
    while pythia.next() or not pythia.infoPython().atEndOfFile():
        found.append(round(pythia.infoPython().weight(), 9))
    sigma = pythia.infoPython().sigmaGen() * 1e9
    print(f"strategy {strategy:2d}: weights {weights} -> {found}; cross-section 1500 pb -> {sigma:.6g} pb")
    return found, round(sigma, 6)


good = run(3, [2.0, 0.5]) == ([1.0, 1.0], 1500.0)
good &= run(-3, [-2.5, 0.5])[0] == [-1.0, 1.0]
good &= run(-4, [-2.5, 4.5]) == ([-2.5, 4.5], 1.0)
sys.exit(0 if good else 1)
PYTHON
