#!/usr/bin/env bash
# pyhepmc 2.16.1: an error of the file object that events are written to is lost; the writer reports success.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check pyhepmc==2.16.1 numpy
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pyhepmc


def event():
    made = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    vertex = pyhepmc.GenVertex()
    vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 5, 5), 11, 4))
    vertex.add_particle_out(pyhepmc.GenParticle((0, 0, 5, 5), 11, 1))
    made.add_vertex(vertex)
    return made


print("pyhepmc", version("pyhepmc"))
error = None
with open("/dev/full", "wb", buffering=0) as full:
    try:
        with pyhepmc.open(full, "w") as file:
            for _ in range(1000):
                file.write(event())
    except Exception as raised:
        error = raised
print("1,000 events written to /dev/full, error:", error)
print("expected: an OSError, No space left on device; found: none, all events are lost")
sys.exit(0 if error is None else 1)
PYTHON
