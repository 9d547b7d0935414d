"""Conditions and outputs of hadron-interactions: names, units, ranges."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable
from ...physics.hadrons.beams import PROJECTILES, TARGETS

ENERGY_RANGE = (20.0, 10_000.0)
"""GeV: the projectile's total energy in the laboratory, where the target rests."""

CAP = 256
"""Entries that a record holds at most; the largest of 14,000 of the reference's had 141."""

CONDITIONS = Schema(
    (
        Variable("projectile", "hadron of the beam", dtype="int8", categories=PROJECTILES),
        Variable("energy", "total energy of the projectile, target at rest", "GeV", bounds=ENERGY_RANGE),
        Variable("target", "nucleus of the target, at rest", dtype="int8", categories=TARGETS),
    )
)


def _entry(name: str, long_name: str, units: str = "GeV", dtype: str = "float64") -> Variable:
    return Variable(name, long_name, units, ("particle",), dtype)


OUTPUTS = Schema(
    (
        Variable("n_particles", "number of entries, the nuclear remnant included", dtype="int64", bounds=(0, CAP)),
        _entry("pdg_id", "particle identity, PDG numbering scheme; 100ZZZAAA0 is the remnant", "1", "int32"),
        _entry("px", "momentum along x"),
        _entry("py", "momentum along y"),
        _entry("pz", "momentum along z, the direction of the beam"),
        _entry("E", "energy"),
        _entry("mass", "mass"),
        _entry("charge", "electric charge in units of e", "1", "int8"),
    ),
    (Dimension("particle", CAP, count="n_particles"),),
)
