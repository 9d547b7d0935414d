"""The reference chain: SMILES to a conformer, see `geometry`, and GFN2-xTB on it.

GFN2-xTB: Bannwarth, Ehlert, Grimme 2019, J. Chem. Theory Comput. 15, 1652.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import embedded

STATUSES = ("converged", "unparsable", "not_embedded", "unsupported", "not_converged")
CONVERGED, UNPARSABLE, NOT_EMBEDDED, UNSUPPORTED, NOT_CONVERGED = range(len(STATUSES))

HARTREE = 27.211386245988  # eV, CODATA 2018
BOHR = 0.529177210903  # angstrom, CODATA 2018
DEBYE = 2.5417464519  # debye in an atomic unit of the dipole moment
HEAVIEST = 86  # GFN2-xTB has parameters to radon


@dataclass(frozen=True)
class Simulated:
    """What the chain finds of one molecule; NaN where it failed.

    Attributes
    ----------
    status : int
        Index into `STATUSES`.
    gap, homo, lumo : float
        Orbital energies [eV].
    dipole : float
        Its size [debye].
    energy : float
        Total energy [eV].
    """

    status: int
    gap: float = float("nan")
    homo: float = float("nan")
    lumo: float = float("nan")
    dipole: float = float("nan")
    energy: float = float("nan")


def simulate(smiles: str, seed: int) -> Simulated:
    """GFN2-xTB properties of one molecule at the conformer that `seed` gives.

    Parameters
    ----------
    smiles : str
    seed : int
        Of the embedding, non-negative, below 2^31.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles) if smiles else None
        if molecule is None:
            return Simulated(UNPARSABLE)
        if any(not 1 <= atom.GetAtomicNum() <= HEAVIEST for atom in molecule.GetAtoms()):
            return Simulated(UNSUPPORTED)
        placed, state = embedded(molecule, seed)
    return Simulated(NOT_EMBEDDED) if state == "not embedded" else single_point(placed)


def single_point(molecule: Any) -> Simulated:
    """GFN2-xTB at the molecule's conformer, closed shells paired."""
    from rdkit import Chem
    from rdkit.Chem import Descriptors
    from tblite.interface import Calculator

    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    positions = molecule.GetConformer().GetPositions() / BOHR
    unpaired = Descriptors.NumRadicalElectrons(molecule)
    calculator = Calculator(
        "GFN2-xTB", numbers, positions, charge=float(Chem.GetFormalCharge(molecule)), uhf=unpaired or None
    )
    calculator.set("verbosity", 0)
    with contextlib.suppress(RuntimeError):
        found: Any = calculator.singlepoint()
        energies = np.asarray(found.get("orbital-energies"), dtype=np.float64) * HARTREE
        occupations = np.asarray(found.get("orbital-occupations"), dtype=np.float64)
        if energies.ndim == 2:  # one row a spin
            occupations, energies = occupations.sum(0), energies[0]
        highest = int(np.flatnonzero(occupations > 0.5).max())
        if highest + 1 < len(energies):
            return Simulated(
                CONVERGED,
                gap=float(energies[highest + 1] - energies[highest]),
                homo=float(energies[highest]),
                lumo=float(energies[highest + 1]),
                dipole=float(np.linalg.norm(found.get("dipole"))) * DEBYE,
                energy=float(found.get("energy")) * HARTREE,
            )
    return Simulated(NOT_CONVERGED)
