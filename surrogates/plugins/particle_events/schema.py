"""Conditions and outputs of tau-pair events: names, units, ranges."""

from __future__ import annotations

from dataclasses import replace

from ...contract.schema import Dimension, Schema, Variable
from .particles import CAP, channel_names

ENERGY_RANGE = (10.6, 250.0)
"""GeV. 10.58, where the B factories run, lies just outside: the reference simulates it."""

SIMULATED_RANGE = (10.01, 1000.0)
"""GeV: what the reference simulates; Pythia itself begins above 10."""

HELD_OUT = (29.0, 58.0, 133.0, 207.0)
HELD_OUT_MARGIN = 2.0

CONDITIONS = Schema(
    (
        Variable("energy", "centre-of-mass energy, sqrt(s)", "GeV", bounds=ENERGY_RANGE),
        Variable(
            "initial_state_radiation",
            "photon radiation from the beams",
            dtype="int8",
            categories=("off", "on"),
            default="on",
        ),
        Variable(
            "asked_decay_minus",
            "decay channel forced on the tau-",
            dtype="int16",
            categories=channel_names(),
            optional=True,
        ),
        Variable(
            "asked_decay_plus",
            "decay channel forced on the tau+, named as the tau-'s",
            dtype="int16",
            categories=channel_names(),
            optional=True,
        ),
    )
)


SIMULATED = replace(
    CONDITIONS,
    variables=tuple(
        replace(variable, bounds=SIMULATED_RANGE) if variable.name == "energy" else variable for variable in CONDITIONS
    ),
)
"""The conditions at all energies that the reference simulates."""


def _particle(name: str, long_name: str, units: str = "GeV", dtype: str = "float64") -> Variable:
    return Variable(name, long_name, units, ("particle",), dtype)


def _tau(name: str, long_name: str, units: str) -> Variable:
    return Variable(name, long_name, units, ("tau",))


OUTPUTS = Schema(
    (
        Variable("n_particles", "number of stable particles", dtype="int64", bounds=(0, CAP)),
        Variable("n_dropped", "stable particles beyond the capacity", dtype="int32"),
        _particle("pdg_id", "particle identity, PDG numbering scheme", "1", "int32"),
        _particle("px", "momentum along x"),
        _particle("py", "momentum along y"),
        _particle("pz", "momentum along z, the electron beam's direction"),
        _particle("E", "energy"),
        _particle("mass", "mass"),
        _particle("charge", "electric charge in units of e", "1", "int8"),
        _particle("parent", "tau it descends from: -1 tau-, +1 tau+, 0 radiation", "1", "int8"),
        _particle("vx", "production vertex, x", "mm"),
        _particle("vy", "production vertex, y", "mm"),
        _particle("vz", "production vertex, z", "mm"),
        _particle("vt", "production vertex, c t", "mm"),
        _tau("tau_px", "momentum of the decaying tau along x", "GeV"),
        _tau("tau_py", "momentum of the decaying tau along y", "GeV"),
        _tau("tau_pz", "momentum of the decaying tau along z", "GeV"),
        _tau("tau_E", "energy of the decaying tau", "GeV"),
        _tau("tau_vx", "decay vertex of the tau, x", "mm"),
        _tau("tau_vy", "decay vertex of the tau, y", "mm"),
        _tau("tau_vz", "decay vertex of the tau, z", "mm"),
        _tau("tau_vt", "decay vertex of the tau, c t", "mm"),
        Variable(
            "tau_decay",
            "decay channel of (tau-, tau+), named as the tau-'s",
            dims=("tau",),
            dtype="int16",
            categories=channel_names(),
        ),
    ),
    (Dimension("particle", CAP, count="n_particles"), Dimension("tau", 2)),
)
