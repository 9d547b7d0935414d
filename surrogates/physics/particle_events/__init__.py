"""Tau-pair physics on padded arrays: kinematics, conservation laws (torch), observables and spin analysers (NumPy)."""

from .kinematics import boost_to_rest_frame, four_momenta, invariant_mass
from .observables import ENERGY_EDGES, observables
from .spin import spin_observables

__all__ = [
    "ENERGY_EDGES",
    "boost_to_rest_frame",
    "four_momenta",
    "invariant_mass",
    "observables",
    "spin_observables",
]
