#!/usr/bin/env bash
# pyhepmc 2.16.1 (HepMC3 3.2): numbers in a list attribute are written with six decimals: 1.2e-9 becomes 0.000000, and of
# 0.00012345 two digits are left; a scalar attribute, a weight and a momentum beside it keep theirs. A list of texts
# comes back without its borders.
# Expected: the value that was put in; HepMC3 documents a precision for its writers (WriterAscii::set_precision, 16 digits
# unless asked otherwise), which the attribute does not follow, nor is there a word of a loss (per-event lists of
# reweighting factors, PDF values or vertex positions in metres are what people keep there).
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check pyhepmc==2.16.1 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import pyhepmc

print("pyhepmc", version("pyhepmc"))
VALUES = [1.2345678e-9, 0.00012345, 2.5, 123456789.25]
event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
vertex = pyhepmc.GenVertex((VALUES[0], 0, 0, 0))
vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 5, 5), 11, 4))
vertex.add_particle_out(pyhepmc.GenParticle((VALUES[0], 0, 5, 5), 11, 1))
event.add_vertex(vertex)
event.weights = [VALUES[0]]
event.attributes["scalar"] = VALUES[0]
event.attributes["list"] = VALUES
event.attributes["texts"] = ["a b", "c"]
with pyhepmc.open("events.hepmc3", "w") as file:
    file.write(event)
with pyhepmc.open("events.hepmc3") as file:
    back = file.read()
line = next(line for line in open("events.hepmc3") if " list " in line).split()[3:]
texts = next(line for line in open("events.hepmc3") if " texts " in line).split()[3:]
print("list attribute", VALUES, "->", line)
scalar = back.attributes["scalar"].astype(float)
print("scalar attribute", scalar, " weight", back.weights[0],
      " momentum", back.particles[1].momentum.px, " vertex", back.vertices[0].position.x)
print("texts ['a b', 'c'] ->", texts)
print("expected: the four values again; seen: 0 for the first, two digits of the second")
good = [float(value) for value in line] == [0.0, 0.000123, 2.5, 123456789.25] and texts == ["a", "b", "c"]
kept = (scalar, back.weights[0], back.particles[1].momentum.px)
sys.exit(0 if good and all(abs(value / VALUES[0] - 1) < 1e-7 for value in kept) else 1)
PYTHON
