"""Conditions and outputs of molecule-properties: a SMILES in, properties with their intervals and a status out."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable
from ...physics.molecules.simulation import STATUSES
from ...physics.molecules.text import LENGTH

EXTRAPOLATED = len(STATUSES)
"""Status of a surrogate's answer for a molecule unlike those that it was trained on, see `codec.PropertyCodec`."""

FAILED = tuple(status for status in STATUSES if status != "converged")
"""Statuses of molecules that lack properties."""

STEREO = ("none", "used", "ignored")
"""What became of the stereochemistry of a SMILES."""

COVERAGE = 0.90
"""Share of molecules whose simulated value lies in its interval."""

SIMULATED = ("gap", "dipole")
"""Properties that GFN2-xTB gives; a surrogate's have an interval each."""

LEARNED = (*SIMULATED, "log_p", "qed", "synthetic_accessibility")
"""Properties that the network predicts, in the order of its heads."""

EXACT = ("molecular_weight", "polar_surface_area")
"""Properties that RDKit computes for surrogate and reference alike, in some microseconds."""

RDKIT = ("log_p", "qed", "molecular_weight", "polar_surface_area", "synthetic_accessibility")
"""Properties that RDKit computes for the reference, and for the surrogate where its network cannot read a molecule."""

DESCRIBED = ("log_p", "qed", "synthetic_accessibility")
"""Those of them that the network predicts where it can: RDKit takes a tenth of the whole simulation for them."""

CONDITIONS = Schema(
    variables=(Variable("smiles", "SMILES of the molecule", dims=("character",), dtype="uint8", text=True),),
    dimensions=(Dimension("character", size=LENGTH),),
)


def _interval(name: str, text: str, units: str) -> tuple[Variable, ...]:
    """A property with the ends of its 90 % interval."""
    return (
        Variable(name, f"{text}, GFN2-xTB", units=units, optional=True),
        Variable(f"{name}_low", f"lower end of the 90 % interval of the {text}", units=units, optional=True),
        Variable(f"{name}_high", f"upper end of the 90 % interval of the {text}", units=units, optional=True),
    )


OUTPUTS = Schema(
    variables=(
        *_interval("gap", "HOMO-LUMO gap", "eV"),
        *_interval("dipole", "size of the dipole moment", "debye"),
        Variable("log_p", "octanol-water partition coefficient, decimal logarithm, Crippen", optional=True),
        Variable("qed", "quantitative estimate of drug-likeness", bounds=(0.0, 1.0), optional=True),
        Variable("molecular_weight", "molecular weight", units="g/mol", optional=True),
        Variable("polar_surface_area", "topological polar surface area", units="angstrom2", optional=True),
        Variable(
            "synthetic_accessibility", "synthetic accessibility, 1 easy to 10 hard", bounds=(1.0, 10.0), optional=True
        ),
        Variable("status", "outcome", dtype="int8", categories=(*STATUSES, "extrapolated")),
        Variable("stereochemistry", "what became of the SMILES' stereochemistry", dtype="int8", categories=STEREO),
    )
)
"""NaN stands for what a molecule does not have by its status: simulated properties where the chain fails, and all of
them where the SMILES does not parse."""
