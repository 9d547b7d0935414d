"""molecules: any subset of target properties -> SMILES, for drug-like (ZINC) and small organic (QM9) molecules.

There is no forward reference: the truth is held-out molecules with their own properties, and what judges generated
molecules is RDKit, never a network of ours. The surrogate writes SMILES token by token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.plugin import Plugin
from .anchors import ANCHORS
from .formats import FORMATS
from .impostors import IMPOSTORS
from .limits import LIMITS
from .measure import measure
from .recipes import gan, qm9, selfies, zinc
from .targets import FEATURES, TARGETS
from .truth import prior, truth
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    pass


PLUGIN = Plugin(
    name="molecules",
    title="target properties -> SMILES of drug-like (ZINC) and small organic (QM9) molecules",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.molecules.codec:MoleculeCodec"),
    recipes={"zinc": zinc(), "qm9": qm9(), "selfies": selfies(), "gan": gan()},
    constraints=(),
    measure=measure,
    features=FEATURES,
    targets=TARGETS,
    anchors=ANCHORS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.molecules.figure:figure"),
    formats=FORMATS,
    limits=LIMITS,
    extra="molecules",
    reference_package="rdkit",
    checked={
        "truth_samples": 40,
        "samples": 300,
        "measured_samples": 300,
        "trains": False,
        "slow": ("measure", "[qm9]", "[selfies]", "[gan]"),
    },
)
