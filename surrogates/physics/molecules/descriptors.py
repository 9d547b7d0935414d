"""Properties of molecules that RDKit computes from the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Parsed:
    """What sanitisation made of a SMILES: a molecule, or the reason why there is none."""

    molecule: Any | None
    reason: str = ""


def parse(smiles: str) -> Parsed:
    """Parse and sanitise a SMILES by RDKit, and keep the reason where it fails.

    Parameters
    ----------
    smiles : str

    Returns
    -------
    Parsed
        `reason` is "empty", "syntax", or the kind of RDKit's sanitisation problem: "AtomValenceException",
        "KekulizeException", …
    """
    from rdkit import Chem, rdBase

    if not smiles:
        return Parsed(None, "empty")
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles, sanitize=False)
        if molecule is None or molecule.GetNumAtoms() == 0:
            return Parsed(None, "syntax")
        problems = Chem.DetectChemistryProblems(molecule)
        if problems:
            return Parsed(None, problems[0].GetType())
        try:
            Chem.SanitizeMol(molecule)
        except ValueError as error:
            return Parsed(None, type(error).__name__)
        Chem.AssignStereochemistry(molecule, cleanIt=True)
    return Parsed(molecule)


def canonical(smiles: str) -> str | None:
    """RDKit's canonical SMILES, or None for what it cannot read."""
    from rdkit import Chem

    molecule = parse(smiles).molecule
    return None if molecule is None else Chem.MolToSmiles(molecule)


def _log_p(molecule: Any) -> float:
    from rdkit.Chem import rdMolDescriptors

    return rdMolDescriptors.CalcCrippenDescriptors(molecule)[0]


def _qed(molecule: Any) -> float:
    from rdkit.Chem import QED

    return QED.qed(molecule)


DRUG_LIKE = ("weight", "log_p", "acceptors", "donors", "polar_surface", "rotatable_bonds", "aromatic_rings", "alerts")
"""What `qed` is a function of: columns of `drug_likeness_parts`."""


def drug_likeness_parts(molecule: Any) -> list[float]:
    """What the quantitative estimate of drug-likeness judges (Bickerton et al. 2012), in the order of `DRUG_LIKE`."""
    from rdkit.Chem import QED

    return [float(part) for part in QED.properties(molecule)]


def _molecular_weight(molecule: Any) -> float:
    from rdkit.Chem import Descriptors

    return Descriptors.MolWt(molecule)  # type: ignore[attr-defined]


def _polar_surface(molecule: Any) -> float:
    from rdkit.Chem import rdMolDescriptors

    return rdMolDescriptors.CalcTPSA(molecule)


@cache
def _scorer() -> Any:
    import sys
    from pathlib import Path

    from rdkit.Chem import RDConfig

    folder = str(Path(RDConfig.RDContribDir) / "SA_Score")
    if folder not in sys.path:
        sys.path.append(folder)
    import sascorer  # type: ignore[import-not-found]

    return sascorer


def _synthetic_accessibility(molecule: Any) -> float:
    return _scorer().calculateScore(molecule)


DESCRIPTORS: Mapping[str, Callable[[Any], float]] = {
    "log_p": _log_p,
    "qed": _qed,
    "molecular_weight": _molecular_weight,
    "polar_surface_area": _polar_surface,
    "synthetic_accessibility": _synthetic_accessibility,
}
"""Property -> function of an RDKit molecule.

log_p: octanol-water partition coefficient (Wildman, Crippen 1999, J. Chem. Inf. Comput. Sci. 39, 868). qed:
quantitative estimate of drug-likeness (Bickerton et al. 2012, Nat. Chem. 4, 90). molecular_weight [g/mol].
polar_surface_area [angstrom^2] (Ertl et al. 2000, J. Med. Chem. 43, 3714). synthetic_accessibility: 1 easy … 10 hard
(Ertl, Schuffenhauer 2009, J. Cheminf. 1, 8).
"""


def describe(smiles: Sequence[str], names: Sequence[str] = tuple(DESCRIPTORS)) -> np.ndarray:
    """Descriptors of many molecules, (n, len(names)) float64; NaN rows for what RDKit cannot read."""
    found = np.full((len(smiles), len(names)), np.nan)
    for row, text in enumerate(smiles):
        molecule = parse(text).molecule
        if molecule is not None:
            found[row] = [DESCRIPTORS[name](molecule) for name in names]
    return found
