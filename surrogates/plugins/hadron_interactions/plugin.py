"""hadron-interactions: one inelastic interaction of a hadron with a nucleon or nucleus at rest, 20 GeV to 10 TeV.

The reference is UrQMD 3.4 through chromo. The surrogate draws the struck nucleons and the number of particles, then the
particles along rapidity as a chain of balances, and closes four-momentum exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.hepmc3_interactions import interactions_format
from ...physics.hadrons import laws
from ...physics.hadrons.beams import initial_state
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES, TARGETS_OF_FIGURES
from .recipes import rapidity_chain
from .reference import HadronReference, prior, truth
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

LAWS = (
    Law("four_momentum", laws.four_momentum, 1e-6, "projection"),
    Law("mass_shell", laws.mass_shell, 1e-9),
    Law("charge", laws.charge, 0.0),
    Law("baryon_number", laws.baryon_number, 0.0),
    Law("strangeness", laws.strangeness, 0.0),
)


def _beams(block: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    projectile, target = (block[name].values.astype(np.int64) for name in ("projectile", "target"))
    return initial_state(projectile, block["energy"].values, target)


PLUGIN = Plugin(
    name="hadron-interactions",
    title="hadron + p, N, O, Fe -> secondaries of one inelastic interaction, 20 GeV-10 TeV (UrQMD 3.4)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.hadron_interactions.codec:InteractionCodec"),
    recipes={"chain": rapidity_chain()},
    constraints=LAWS,
    measure=FIGURES,
    features=FEATURES,
    targets=TARGETS_OF_FIGURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.hadron_interactions.figure:figure"),
    formats=(interactions_format(_beams),),
    reference=HadronReference,
    extra="hadrons",
    reference_package="chromo",
    checked={"truth_samples": 60, "samples": 600, "measured_samples": 1500, "trains": False, "slow": ("measure",)},
)
