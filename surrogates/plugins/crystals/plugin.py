"""crystals: any subset of formula, elements, space group, size and properties -> crystals, symmetric by construction.

There is no forward reference: the truth is held-out structures of the Materials Project, and what judges generated ones
are spglib, moyopy, smact, pymatgen and CHGNet, never a network of ours. The surrogate writes Wyckoff positions one by
one, only what can still be completed to what was asked, and then what symmetry leaves free.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...physics.crystals.laws import metric, overlap, symmetry
from .formats import FORMATS
from .impostors import IMPOSTORS
from .limits import LIMITS
from .measure import FEATURES, FIGURES
from .recipes import carbon, gan, perov, wyckoff
from .truth import prior, truth
from .variables import CONDITIONS, OUTPUTS

PLUGIN = Plugin(
    name="crystals",
    title="formula, elements, space group, properties -> crystals, symmetric by construction",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.crystals.codec:CrystalCodec"),
    recipes={"wyckoff": wyckoff(), "perov": perov(), "carbon": carbon(), "gan": gan()},
    constraints=(
        Law("symmetry", symmetry, 1e-3, units="angstrom"),
        Law("metric", metric, 1e-9),
        Law("overlap", overlap, 0.15, strength="projection"),
    ),
    measure=FIGURES,
    features=FEATURES,
    figure=deferred("surrogates.plugins.crystals.figure:figure"),
    impostors=IMPOSTORS,
    formats=FORMATS,
    limits=LIMITS,
    extra="crystals",
    reference_package="spglib",
    checked={
        "truth_samples": 20,
        "samples": 24,
        "measured_samples": 200,
        "slow": ("trains", "measure", "targets", "bits", "conditions_matter", "[perov]", "[carbon]"),
    },
)
