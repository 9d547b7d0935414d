"""A conformer of a molecule, by distance geometry and a force field.

ETKDGv3: Wang et al. 2020, J. Chem. Inf. Model. 60, 2044. MMFF94: Halgren 1996, J. Comput. Chem. 17, 490. UFF: Rappe et
al. 1992, J. Am. Chem. Soc. 114, 10024.

MMFF94 as RDKit has it says that it knows CO2, N2, SO2, CS2 and F2, and stretches their bonds by 0.15 to 0.35 angstrom;
UFF collapses what surrounds an atom of five or six neighbours. There distance geometry, whose bonds come from a table,
has the last word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_TRIALS, _STEPS = 20, 500
_SMALL = 3
"""Heavy atoms of a molecule whose bonds nothing strains, so that a force field's are held against the table's."""
_OFF = 0.15
"""angstrom: a bond of a small molecule that is further off is not believed."""
_CROWDED = 5
"""Neighbours of an atom from which on no force field here knows its angles."""


def embedded(molecule: Any, seed: int) -> tuple[Any, str]:
    """A molecule with hydrogens and one relaxed conformer in angstrom.

    Parameters
    ----------
    molecule : rdkit Mol
    seed : int
        Of the embedding, taken modulo 2^31; random coordinates are a second try.

    Returns
    -------
    molecule : rdkit Mol
    state : str
        "optimised", "not converged" (after 500 steps of MMFF94, or of UFF where that lacks parameters), "no force
        field" (none has its parameters, or none that can be believed: distance geometry alone) or "not embedded".
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdForceFieldHelpers

    whole = Chem.AddHs(molecule)
    with rdBase.BlockLogs():
        if not any(placed(whole, seed, random_start=random_start) for random_start in (False, True)):
            return whole, "not embedded"
        if any(atom.GetDegree() >= _CROWDED for atom in whole.GetAtoms()):
            return whole, "no force field"
        before = whole.GetConformer().GetPositions()
        if rdForceFieldHelpers.MMFFHasAllMoleculeParams(whole):
            left = rdForceFieldHelpers.MMFFOptimizeMolecule(whole, maxIters=_STEPS)
        elif rdForceFieldHelpers.UFFHasAllMoleculeParams(whole):
            left = rdForceFieldHelpers.UFFOptimizeMolecule(whole, maxIters=_STEPS)
        else:
            return whole, "no force field"
    if whole.GetNumHeavyAtoms() <= _SMALL and _moved(whole, before) > _OFF:
        whole.GetConformer().SetPositions(before)
        return whole, "no force field"
    return whole, "optimised" if left == 0 else "not converged"


def placed(whole: Any, seed: int, *, random_start: bool = False) -> bool:
    """Give a molecule with hydrogens a conformer by distance geometry alone; whether one was found in 20 trials."""
    from rdkit.Chem import rdDistGeom

    settings = rdDistGeom.ETKDGv3()
    settings.randomSeed = int(seed) % (1 << 31)
    settings.useRandomCoords = random_start
    settings.maxIterations = _TRIALS
    return rdDistGeom.EmbedMolecule(whole, settings) == 0


def bond_lengths(molecule: Any, positions: np.ndarray) -> np.ndarray:
    """Lengths of the bonds in their order, in the units of `positions` (atoms, 3)."""
    pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    return np.linalg.norm(positions[first] - positions[second], axis=1)


def _moved(molecule: Any, before: np.ndarray) -> float:
    """The largest change of a bond's length since `before`."""
    changes = np.abs(bond_lengths(molecule, molecule.GetConformer().GetPositions()) - bond_lengths(molecule, before))
    return float(changes.max(initial=0.0))
