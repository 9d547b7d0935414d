"""What the figures of molecules should reach, at 10,000 generated molecules without any rejection."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.findings import Target
from ...contract.plugin import Features
from .measure import features
from .simulated import MOST

N_MOLECULES = 10_000

TARGETS: Mapping[str, Target] = {
    "invalid": Target(N_MOLECULES, at_most=0.02, description="1 - validity: what RDKit cannot sanitise"),
    "duplicate": Target(N_MOLECULES, at_most=0.001, description="1 - uniqueness of the valid ones"),
    "known": Target(N_MOLECULES, at_most=0.01, description="1 - novelty: InChIKey among the training molecules"),
    "fcd": Target(N_MOLECULES, at_most=0.60, description="Frechet ChemNet distance"),
    "log_p_error": Target(N_MOLECULES, at_most=0.25, description="mean |found - asked| of log P"),
    "qed_error": Target(N_MOLECULES, at_most=0.04, description="mean |found - asked| of QED"),
    "molecular_weight_error": Target(
        N_MOLECULES, at_most=10.0, units="g/mol", description="mean |found - asked| of the molecular weight"
    ),
    "polar_surface_area_error": Target(
        N_MOLECULES, units="angstrom2", description="mean |found - asked| of the polar surface area"
    ),
    "synthetic_accessibility_error": Target(
        N_MOLECULES, description="mean |found - asked| of the synthetic accessibility"
    ),
    "joint_error": Target(N_MOLECULES, description="|found - asked| over RDKit's asked properties, in spreads"),
    "gap_error": Target(
        N_MOLECULES,
        at_most=0.35,
        units="eV",
        description=f"mean |GFN2-xTB's - asked| of the gap, first {MOST:,} valid molecules of a file",
    ),
    "dipole_error": Target(
        N_MOLECULES,
        units="debye",
        description=f"mean |GFN2-xTB's - asked| of the dipole, first {MOST:,} valid molecules of a file",
    ),
    "simulation_failed": Target(
        N_MOLECULES, description="share of the simulated molecules without a conformer or a converged GFN2-xTB"
    ),
    "nearest_similarity": Target(N_MOLECULES, description="SNN against the truth's own"),
    "fragments": Target(N_MOLECULES, description="1 - cosine similarity of BRICS fragments"),
    "scaffolds": Target(N_MOLECULES, description="1 - cosine similarity of Bemis-Murcko scaffolds"),
    "scaffolds_without_benzene": Target(N_MOLECULES, description="the same without benzene, the most frequent one"),
    "internal_diversity": Target(N_MOLECULES, description="internal diversity against the truth's"),
    "kl_properties": Target(N_MOLECULES, description="1 - GuacaMol's KL score over properties and counts"),
    "nearest_training": Target(N_MOLECULES, description="similarity to training molecules against the truth's"),
    "auc_high_level": Target(N_MOLECULES, description="two-sample classifier, boosting on properties and counts"),
    "memorisation": Target(N_MOLECULES, description="excess share of nearest neighbours in training"),
}

FEATURES = Features(high_level=features)
"""Inputs of the shared two-sample classifier."""
