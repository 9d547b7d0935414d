"""particle-events: e+e- -> gamma*/Z -> tau+ tau- with full tau decays, 10.6 to 250 GeV.

The reference is Pythia 8.317 with spin-correlated decays. The default surrogate factorises an event as physics does:
photon radiation and tau decays are learned densities, production and spin correlations are exact (`spin.py`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.hepmc3 import HEPMC3, write_hepmc3
from ...io.lhe import LHE, write_lhe
from ...io.root import ROOT
from .anchors import ANCHORS
from .cross_section import cross_section
from .features import FEATURES
from .impostors import IMPOSTORS
from .laws import laws
from .measure import TARGETS, measure
from .particles import channels, particles
from .recipes import gan, spline_flow
from .reference import PythiaReference, prior, truth
from .schema import CONDITIONS, OUTPUTS


def _laws() -> tuple[Law, ...]:
    stable = {i: particle.mass for i, particle in particles().items() if particle.stable}
    decaying = [i for i, particle in particles().items() if not particle.stable and i != 15]
    return laws(
        stable,
        [channel.products for channel in channels()],
        {i: [channel.products for channel in channels(i)] for i in decaying},
    )


PLUGIN = Plugin(
    name="particle-events",
    title="e+e- -> tau+ tau- with full tau decays, 10.6-250 GeV (Pythia 8)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.particle_events.codec:EventCodec"),
    recipes={"flow": spline_flow(), "gan": gan()},
    constraints=_laws(),
    measure=measure,
    features=FEATURES,
    targets=TARGETS,
    anchors=ANCHORS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.particle_events.figure:figure"),
    formats=(
        replace(HEPMC3, write=partial(write_hepmc3, cross_section=cross_section)),
        ROOT,
        replace(LHE, write=partial(write_lhe, cross_section=cross_section)),
    ),
    reference=PythiaReference,
    extra="particles",
    reference_package="pythia8mc",
    checked={"truth_samples": 60, "samples": 600, "measured_samples": 1500, "trains": False, "slow": ("measure",)},
)
