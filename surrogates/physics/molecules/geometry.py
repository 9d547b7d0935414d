"""A conformer of a molecule, by distance geometry and a force field.

ETKDGv3: Wang et al. 2020, J. Chem. Inf. Model. 60, 2044. MMFF94: Halgren 1996, J. Comput. Chem. 17, 490. UFF: Rappe et
al. 1992, J. Am. Chem. Soc. 114, 10024.
"""

from __future__ import annotations

from typing import Any

_TRIALS, _STEPS = 20, 500


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
        field" or "not embedded".
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

    whole = Chem.AddHs(molecule)
    with rdBase.BlockLogs():
        for random_start in (False, True):
            settings = rdDistGeom.ETKDGv3()
            settings.randomSeed = int(seed) % (1 << 31)
            settings.useRandomCoords = random_start
            settings.maxIterations = _TRIALS
            if rdDistGeom.EmbedMolecule(whole, settings) == 0:
                break
        else:
            return whole, "not embedded"
        if rdForceFieldHelpers.MMFFHasAllMoleculeParams(whole):
            left = rdForceFieldHelpers.MMFFOptimizeMolecule(whole, maxIters=_STEPS)
        elif rdForceFieldHelpers.UFFHasAllMoleculeParams(whole):
            left = rdForceFieldHelpers.UFFOptimizeMolecule(whole, maxIters=_STEPS)
        else:
            return whole, "no force field"
    return whole, "optimised" if left == 0 else "not converged"
