"""Conditions and outputs of molecules: any subset of target properties in, SMILES out."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable
from ...physics.molecules.text import LENGTH

PROPERTIES = (
    "log_p",
    "qed",
    "molecular_weight",
    "polar_surface_area",
    "synthetic_accessibility",
    "gap",
    "dipole",
)
"""Target properties, the order of the encoded condition."""

SIMILAR = "similar_to"
"""Condition that names a molecule instead."""

CONDITIONS = Schema(
    variables=(
        Variable(
            "log_p",
            "octanol-water partition coefficient, decimal logarithm, Crippen",
            bounds=(-6.0, 9.0),
            optional=True,
        ),
        Variable("qed", "quantitative estimate of drug-likeness", bounds=(0.0, 1.0), optional=True),
        Variable("molecular_weight", "molecular weight", units="g/mol", bounds=(10.0, 510.0), optional=True),
        Variable(
            "polar_surface_area",
            "topological polar surface area",
            units="angstrom2",
            bounds=(0.0, 160.0),
            optional=True,
        ),
        Variable(
            "synthetic_accessibility", "synthetic accessibility, 1 easy to 10 hard", bounds=(1.0, 10.0), optional=True
        ),
        Variable("gap", "HOMO-LUMO gap, GFN2-xTB", units="eV", bounds=(0.0, 20.0), optional=True),
        Variable("dipole", "size of the dipole moment, GFN2-xTB", units="debye", bounds=(0.0, 20.0), optional=True),
        Variable(
            SIMILAR,
            "SMILES of a molecule to vary",
            dims=("similar_character",),
            dtype="uint8",
            text=True,
            optional=True,
        ),
    ),
    dimensions=(Dimension("similar_character", size=LENGTH),),
)

OUTPUTS = Schema(
    variables=(
        Variable("n_characters", "characters of the SMILES", dtype="int64", bounds=(0, LENGTH)),
        Variable("smiles", "SMILES, ASCII codes", dims=("character",), dtype="int64", bounds=(0, 127)),
    ),
    dimensions=(Dimension("character", size=LENGTH, count="n_characters"),),
)
