"""Tau-pair physics on padded arrays: kinematics, conservation laws (torch), observables and spin analysers (NumPy)."""

from .kinematics import boost_to_rest_frame, four_momenta, invariant_mass
from .laws import (
    ChargeConservation,
    DecayChannels,
    FourMomentum,
    LeptonNumber,
    MassShell,
    TableMasses,
    TauMomentum,
    final_states,
    laws,
)
from .observables import ENERGY_EDGES, observables
from .spin import spin_observables

__all__ = [
    "ENERGY_EDGES",
    "ChargeConservation",
    "DecayChannels",
    "FourMomentum",
    "LeptonNumber",
    "MassShell",
    "TableMasses",
    "TauMomentum",
    "boost_to_rest_frame",
    "final_states",
    "four_momenta",
    "invariant_mass",
    "laws",
    "observables",
    "spin_observables",
]
