#!/usr/bin/env bash
# fastjet 3.5.2.0 (Python package): soft drop and energy correlators of two exclusive jets forget the events. Of a single
# event the result of the softer jet alone comes back; of a batch one flat list, twice as long as the events.
# Expected: a row of two jets for each event, as `exclusive_jets(n_jets=2)` and `exclusive_jets_lund_declusterings(njets=2)`
# give (the docstrings: "njets: The number of jets it was clustered to", "Returns an Awkward Array of the same type as
# the input"). Seen: an array per event pairs with the wrong jets, and the leading jet of a lone event is lost unnoticed.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check fastjet==3.5.2.0 awkward==2.14.0 vector==1.9.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import awkward as ak
import fastjet
import numpy as np
import vector

vector.register_awkward()
print("fastjet", version("fastjet"), "awkward", version("awkward"))
random = np.random.default_rng(1)


def event(number):
    momenta = random.normal(size=(number, 3)) * 10
    energy = np.sqrt((momenta**2).sum(axis=1))
    return [dict(zip(("px", "py", "pz", "E"), map(float, (*p, e)))) for p, e in zip(momenta, energy)]


events = ak.Array([event(20), event(15), event(9)], with_name="Momentum4D")
jets = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1.0)
batch, single = fastjet.ClusterSequence(events, jets), fastjet.ClusterSequence(events[0], jets)
pt = [round(float(jet.pt), 3) for jet in single.exclusive_jets(n_jets=2)]
of_batch = batch.exclusive_jets_softdrop_grooming(njets=2, symmetry_cut=0.0)
of_single = single.exclusive_jets_softdrop_grooming(njets=2, symmetry_cut=0.0)
correlators = batch.exclusive_jets_energy_correlator(njets=2), single.exclusive_jets_energy_correlator(njets=2)
declusterings = batch.exclusive_jets_lund_declusterings(njets=2)
print("3 events, 2 jets each: exclusive_jets", ak.num(batch.exclusive_jets(n_jets=2)).tolist(),
      "Lund declusterings", ak.num(declusterings).tolist())
print("batch: soft drop gives one list of", len(of_batch.ptsoftdrop), "- energy correlators one list of", len(correlators[0]))
print("single event, pt of its jets", pt, "-> soft drop without a cut:", round(float(of_single.ptsoftdrop), 3),
      "- energy correlators:", correlators[1].tolist())
print("expected: 3 rows of 2, and 2 values of a single event; seen: 6, and 1")
good = ak.num(declusterings).tolist() == [2, 2, 2] and len(of_batch) == len(correlators[0]) == 6
sys.exit(0 if good and round(float(of_single.ptsoftdrop), 3) == min(pt) and isinstance(correlators[1].tolist(), float) else 1)
PYTHON
