"""The reference chain: SMILES to a conformer, see `geometry`, and GFN2-xTB on it.

GFN2-xTB: Bannwarth, Ehlert, Grimme 2019, J. Chem. Theory Comput. 15, 1652.

A force field's geometry stands as long as GFN2-xTB agrees: where its own force on an atom is larger than those on all
but one in two hundred molecules of QM9, or where no force field could be believed, GFN2-xTB relaxes the molecule
itself. A geometry that has lost a bond by then is no geometry of that molecule, and recorded as a failure.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import bond_lengths, embedded, placed

STATUSES = ("converged", "unparsable", "not_embedded", "unsupported", "not_converged")
CONVERGED, UNPARSABLE, NOT_EMBEDDED, UNSUPPORTED, NOT_CONVERGED = range(len(STATUSES))

HARTREE = 27.211386245988  # eV, CODATA 2018
BOHR = 0.529177210903  # angstrom, CODATA 2018
DEBYE = 2.5417464519  # debye in an atomic unit of the dipole moment
HEAVIEST = 86  # GFN2-xTB has parameters to radon

FORCE = 0.13
"""hartree/bohr on an atom, beyond which a geometry is relaxed: 0.03 to 0.12 is common where a force field served."""
_STARTS, _STEPS, _STILL = 8, 300, 5e-4
_WHOLE = (0.7, 1.3)
"""Length of a bond that is still one, in sums of the covalent radii."""
_HALF = 0.5
"""Electrons by which a level that the electron count fills may fall short: beyond, the shell is not closed."""


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
    relaxed : bool
        Whether GFN2-xTB made the geometry itself.
    """

    status: int
    gap: float = float("nan")
    homo: float = float("nan")
    lumo: float = float("nan")
    dipole: float = float("nan")
    energy: float = float("nan")
    relaxed: bool = False


def simulate(smiles: str, seed: int) -> Simulated:
    """GFN2-xTB properties of one molecule at the conformer that `seed` gives.

    Parameters
    ----------
    smiles : str
    seed : int
        Of the embedding, non-negative, below 2^31.

    Returns
    -------
    Simulated
        UNSUPPORTED are elements beyond radon, several molecules in one SMILES, which no one geometry holds together, a
        bare nucleus, and what is written as a closed shell and is none (O=O, S=S: write the radicals, ``[O][O]``).
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles) if smiles else None
        if molecule is None or molecule.GetNumAtoms() == 0:
            return Simulated(UNPARSABLE)
        if any(not 1 <= atom.GetAtomicNum() <= HEAVIEST for atom in molecule.GetAtoms()):
            return Simulated(UNSUPPORTED)
        if len(Chem.GetMolFrags(molecule)) > 1:
            return Simulated(UNSUPPORTED)
        whole, state = embedded(molecule, seed)
        if state == "not embedded":
            return Simulated(NOT_EMBEDDED)
        return _properties(whole, seed, believed=state != "no force field")


def _properties(molecule: Any, seed: int, *, believed: bool) -> Simulated:
    """At the molecule's conformer if it is believed and GFN2-xTB agrees, else at one that it relaxes."""
    single = molecule.GetNumAtoms() == 1
    found = _single_point(_calculator(molecule)) if believed or single else None
    if found is not None and (single or _largest_force(found) <= FORCE):
        return _read(found, molecule, relaxed=False)
    if single:
        return Simulated(NOT_CONVERGED)
    for start in range(_STARTS):
        if start and not placed(molecule, seed + start, random_start=start % 2 == 0):
            continue
        found = _relaxed(molecule)
        if found is not None:
            return _read(found, molecule, relaxed=True)
    return Simulated(NOT_CONVERGED)


def _calculator(molecule: Any) -> Any | None:
    """GFN2-xTB for the molecule at its conformer, electrons paired but for its radicals; None where atoms collide."""
    from rdkit import Chem
    from rdkit.Chem import Descriptors
    from tblite.interface import Calculator

    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    unpaired = Descriptors.NumRadicalElectrons(molecule)
    charge = float(Chem.GetFormalCharge(molecule))
    with contextlib.suppress(RuntimeError):
        positions = molecule.GetConformer().GetPositions() / BOHR
        calculator = Calculator("GFN2-xTB", numbers, positions, charge=charge, uhf=unpaired or None)
        calculator.set("verbosity", 0)
        return calculator
    return None


def _single_point(calculator: Any | None) -> Any | None:
    with contextlib.suppress(RuntimeError):
        return None if calculator is None else calculator.singlepoint()
    return None


def _largest_force(found: Any) -> float:
    """On an atom [hartree/bohr]."""
    return float(np.linalg.norm(np.asarray(found.get("gradient")), axis=1).max())


def _relaxed(molecule: Any) -> Any | None:
    """GFN2-xTB at the minimum next to the molecule's conformer, which moves there; None where its bonds do not last."""
    from scipy.optimize import minimize

    calculator = _calculator(molecule)
    if calculator is None:
        return None

    def energy_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        calculator.update(flat.reshape(-1, 3))
        here = calculator.singlepoint()
        return float(here.get("energy")), np.asarray(here.get("gradient"), dtype=np.float64).ravel()

    start = molecule.GetConformer().GetPositions().ravel() / BOHR
    options = {"maxiter": _STEPS, "gtol": _STILL, "ftol": 0.0}
    try:
        end = minimize(energy_and_gradient, start, jac=True, method="L-BFGS-B", options=options)
    except RuntimeError:
        return None
    positions = end.x.reshape(-1, 3) * BOHR
    shares = bond_lengths(molecule, positions) / _covalent(molecule)
    if not end.success or shares.min() < _WHOLE[0] or shares.max() > _WHOLE[1]:
        return None
    molecule.GetConformer().SetPositions(positions)
    calculator.update(end.x.reshape(-1, 3))
    return _single_point(calculator)


def _covalent(molecule: Any) -> np.ndarray:
    """Sums of the covalent radii of each bond's atoms [angstrom]."""
    from rdkit import Chem

    radius = Chem.GetPeriodicTable().GetRcovalent
    return np.array(
        [
            radius(bond.GetBeginAtom().GetAtomicNum()) + radius(bond.GetEndAtom().GetAtomicNum())
            for bond in molecule.GetBonds()
        ]
    )


def _read(found: Any, molecule: Any, *, relaxed: bool) -> Simulated:
    """Properties by electron count: the highest level that an electron of either spin fills, and the next one."""
    from rdkit.Chem import Descriptors

    unpaired = Descriptors.NumRadicalElectrons(molecule)
    energies = np.asarray(found.get("orbital-energies"), dtype=np.float64) * HARTREE
    occupations = np.asarray(found.get("orbital-occupations"), dtype=np.float64)
    if energies.ndim == 2:  # one row a spin
        occupations, energies = occupations.sum(0), energies[0]
    electrons = round(float(occupations.sum()))
    filled, paired = (electrons + unpaired) // 2, (electrons - unpaired) // 2
    if electrons <= 0 or filled >= len(energies):
        return Simulated(UNSUPPORTED)
    if (electrons + unpaired) % 2 or (paired > 0 and occupations[paired - 1] < 2.0 - _HALF):
        return Simulated(UNSUPPORTED)
    return Simulated(
        CONVERGED,
        gap=float(energies[filled] - energies[filled - 1]),
        homo=float(energies[filled - 1]),
        lumo=float(energies[filled]),
        dipole=float(np.linalg.norm(found.get("dipole"))) * DEBYE,
        energy=float(found.get("energy")) * HARTREE,
        relaxed=relaxed,
    )
