#!/usr/bin/env bash
# pyhepmc 2.16.1: a weight whose name has a space is written to a file that the same library cannot read.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check pyhepmc==2.16.1 numpy
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pyhepmc

print("pyhepmc", version("pyhepmc"))


def read_back(names):
    run = pyhepmc.GenRunInfo()
    run.weight_names = names
    made = pyhepmc.GenEvent(run, pyhepmc.Units.GEV, pyhepmc.Units.MM)
    vertex = pyhepmc.GenVertex()
    vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 5, 5), 11, 4))
    vertex.add_particle_out(pyhepmc.GenParticle((0, 0, 5, 5), 11, 1))
    made.add_vertex(vertex)
    made.weights = [1.0] * len(names)
    with pyhepmc.open("events.hepmc3", "w") as file:
        file.write(made)
    try:
        with pyhepmc.open("events.hepmc3") as file:
            return file.read().weight_names
    except RuntimeError as error:
        return f"{type(error).__name__}: {error}"


plain, spaced = read_back(["Default", "MUR=0.5"]), read_back(["Default", "MUR = 0.5"])
print("names without a space:", plain)
print("names with a space:   ", spaced)
sys.exit(0 if plain == ["Default", "MUR=0.5"] and isinstance(spaced, str) else 1)
PYTHON
