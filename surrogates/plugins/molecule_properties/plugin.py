"""molecule-properties: SMILES -> HOMO-LUMO gap and dipole of GFN2-xTB with 90 % intervals, and RDKit's properties.

The reference embeds the molecule by ETKDGv3, relaxes it by MMFF94 and runs GFN2-xTB. The surrogate reads the SMILES.

What is split: a SMILES that does not parse, an element that nobody knows, the largest part of a salt, molecular weight
and polar surface area are RDKit's on both sides, exact, and cost 0.1 ms. RDKit's QED, synthetic accessibility and logP
cost a tenth of the whole chain and would make the surrogate five times slower: the network predicts them. A
surrogate's molecule is brought to canonical form first, so that its answer does not depend on how the SMILES is
written.

What can fail is recorded in `status`, and what is missing is NaN. The surrogate was trained on molecules of up to nine
heavy atoms of C, N, O, F without stereochemistry. Molecules unlike those (larger ones, and the smallest, of which there
are a handful) are answered with the status "extrapolated", whose intervals nothing calibrated; stereochemistry is left
out and said to be `ignored` in `stereochemistry`, where the reference has it `used`; tokens that it never saw make a
molecule "unsupported", of which RDKit's properties are RDKit's. It also predicts where the chain finds no geometry
("not_embedded"). Salts and mixtures are answered by their largest part.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.remarks import Remark
from ...io.columns import column_formats
from ...io.smiles import smiles_format, structure_format
from ...physics.molecules.geometry import embedded
from ...physics.molecules.laws import interval_order
from ...physics.molecules.text import LENGTH
from .impostors import IMPOSTORS
from .labels import prior, truth
from .measure import FIGURES
from .recipes import gru
from .reference import XtbReference
from .variables import CONDITIONS, FAILED, OUTPUTS, SIMULATED

PLUGIN = Plugin(
    name="molecule-properties",
    title="SMILES -> HOMO-LUMO gap, dipole (GFN2-xTB) and drug-likeness, with 90 % intervals",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.molecule_properties.codec:PropertyCodec"),
    recipes={"gru": gru()},
    constraints=tuple(
        Law(f"{name}_interval", partial(interval_order, of=name), 1e-9, units=OUTPUTS[name].units) for name in SIMULATED
    ),
    measure=FIGURES,
    targets=FIGURES.targets,
    impostors=IMPOSTORS,
    formats=(
        replace(smiles_format(LENGTH, (*CONDITIONS.names, *OUTPUTS.names)), read=None),
        *column_formats((*CONDITIONS, *OUTPUTS), {"character": LENGTH}),
        structure_format(LENGTH, embedded, OUTPUTS),
    ),
    figure=deferred("surrogates.plugins.molecule_properties.figure:figure"),
    reference=XtbReference,
    remarks=(Remark("status", FAILED, named_by="smiles"),),
    stochastic=False,
    extra="xtb",
    reference_package="tblite",
    checked={"truth_samples": 60, "samples": 1100, "measured_samples": 400, "slow": ("trains",)},
)
