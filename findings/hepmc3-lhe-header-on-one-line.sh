#!/usr/bin/env bash
# pyhepmc 2.16.1: HepMC3's Les Houches reader refuses a file whose <header>…</header> stands on one line; pylhe 2.1.0
# reads it. Of a file with named weights it keeps the values and loses the names.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check pyhepmc==2.16.1 pylhe==2.1.0 numpy
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pyhepmc
import pylhe

BODY = """<init>
11 -11 45.6 45.6 0 0 0 0 -4 1
1500.0 3.0 1.0 1
</init>
<event>
4 1 -1.5 91.2 -1.0 -1.0
11 -1 0 0 0 0 0.0 0.0 45.6 45.6 0.0 0.0 9.0
-11 -1 0 0 0 0 0.0 0.0 -45.6 45.6 0.0 0.0 9.0
13 1 1 2 0 0 45.6 0.0 0.0 45.6 0.0 3.25 9.0
-13 1 1 2 0 0 -45.6 0.0 0.0 45.6 0.0 0.0 9.0
<rwgt>
<wgt id="muR">0.125</wgt>
</rwgt>
</event>
</LesHouchesEvents>
"""
WEIGHTS = '<initrwgt><weightgroup name="w"><weight id="muR">2</weight></weightgroup></initrwgt>'
print("pyhepmc", version("pyhepmc"), "pylhe", version("pylhe"))


def events(name, header):
    with open(name, "w") as file:
        file.write('<LesHouchesEvents version="3.0">\n' + header + "\n" + BODY)
    with_pylhe = len(list(pylhe.LHEFile.fromfile(name).events))
    try:
        with pyhepmc.open(name, format="lhef") as file:
            return with_pylhe, list(file)
    except RuntimeError as error:
        return with_pylhe, f"{type(error).__name__}: {error}"


one = events("one.lhe", f"<header>{WEIGHTS}</header>")
several = events("several.lhe", f"<header>\n{WEIGHTS}\n</header>")
print("header on one line:     pylhe reads", one[0], "event; pyhepmc:", one[1])
print("header on several lines: pylhe reads", several[0], "event; pyhepmc:", len(several[1]))
event = several[1][0]
print("weights", list(event.weights), "run information", event.run_info)
good = isinstance(one[1], str) and one[0] == several[0] == len(several[1]) == 1
sys.exit(0 if good and list(event.weights) == [-1.5, 0.125] and event.run_info is None else 1)
PYTHON
