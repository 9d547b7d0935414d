"""Conditions and outputs of the jets domain."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable
from ...physics.jets.simulation import JET_TYPES, N_CONSTITUENTS, JetSelection

_SELECTION = JetSelection()

CONDITIONS = Schema(
    variables=(
        Variable("jet_type", "particle that starts the jet", dtype="int8", categories=JET_TYPES),
        Variable("jet_pt", "transverse momentum of the jet", units="GeV", bounds=_SELECTION.jet_pt),
    )
)

OUTPUTS = Schema(
    variables=(
        Variable("jet_eta", "pseudorapidity of the jet", bounds=(-_SELECTION.jet_eta, _SELECTION.jet_eta)),
        Variable("jet_mass", "invariant mass of all the jet's constituents", units="GeV", bounds=(0.0, 1300.0)),
        Variable("n_constituents", "constituents kept, the leading ones", dtype="int64", bounds=(1, N_CONSTITUENTS)),
        Variable("n_constituents_all", "constituents of the jet", dtype="int64", bounds=(1, 10_000)),
        Variable(
            "constituent_eta_rel",
            "pseudorapidity of the constituent minus the jet's",
            dims=("constituent",),
        ),
        Variable(
            "constituent_phi_rel",
            "azimuth of the constituent minus the jet's",
            units="rad",
            dims=("constituent",),
        ),
        Variable(
            "constituent_pt_rel",
            "transverse momentum of the constituent divided by the jet's",
            dims=("constituent",),
        ),
    ),
    dimensions=(Dimension("constituent", size=N_CONSTITUENTS, count="n_constituents"),),
)
