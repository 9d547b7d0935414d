"""jets: pp -> AK8 jets at 13 TeV from gluons, light quarks and top quarks, 30 leading constituents (JetNet layout).

The reference is Pythia 8.317 with anti-kT clustering. The surrogate draws the jet and the moments of its constituent
system from a spline flow, then the constituents in one pass of a permutation-equivariant network.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.jetnet import JETNET
from ...io.root import ROOT
from ...physics.jets import laws
from .anchors import ANCHORS
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES, TARGETS
from .recipes import set_flow
from .reference import JetsReference, prior, truth
from .variables import CONDITIONS, OUTPUTS

LAWS = (
    Law("counts", laws.counts, 0.0),
    Law("padding", laws.padding, 0.0),
    Law("ordering", laws.ordering, 0.0),
    Law("axis_momentum", laws.axis_momentum, 1e-6, "projection"),
    Law("mass_bound", laws.mass_bound, 1e-3, units="GeV"),
    Law("complete_momentum", laws.complete_momentum, 1e-6, "projection"),
)

PLUGIN = Plugin(
    name="jets",
    title="pp -> AK8 jets at 13 TeV, 30 leading constituents (Pythia 8 + anti-kT)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.jets.codec:JetCodec"),
    recipes={"flow": set_flow()},
    constraints=LAWS,
    measure=FIGURES,
    features=FEATURES,
    targets=TARGETS,
    anchors=ANCHORS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.jets.figure:figure"),
    formats=(JETNET, ROOT),
    reference=JetsReference,
    extra="particles",
    reference_package="pythia8mc",
    checked={
        "truth_samples": 60,
        "samples": 600,
        "measured_samples": 1500,
        "trains": False,
        "slow": ("truth", "measure", "residuals", "codec", "figure", "round_trip", "reference", "fallback", "targets"),
    },
)
