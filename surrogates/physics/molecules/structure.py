"""What a molecule is made of: fingerprint, fragments, scaffold, identity and simple counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

BITS = 1024
"""Length of a fingerprint."""

COUNTS = (
    "heavy_atoms",
    "hydrogen_acceptors",
    "hydrogen_donors",
    "rotatable_bonds",
    "aromatic_rings",
    "aliphatic_rings",
)
"""Columns of `counts`."""


def label(text: str) -> int:
    """A text as 64 bits: BLAKE2b of 8 bytes, big-endian."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def inchi_key(molecule: Any) -> str:
    """Standard InChIKey, empty where InChI has none."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolToInchiKey(molecule)


def fragments(molecule: Any) -> list[str]:
    """BRICS fragments (Degen et al. 2008, ChemMedChem 3, 1503) as SMILES with numbered cuts, each as often as it is."""
    from rdkit import Chem
    from rdkit.Chem import rdmolops  # noqa: F401  (registers the function below)

    return Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(molecule)).split(".")  # type: ignore[attr-defined]


def scaffold(molecule: Any) -> str:
    """Bemis-Murcko scaffold (1996, J. Med. Chem. 39, 2887) as SMILES; empty for a molecule without rings."""
    from rdkit import Chem
    from rdkit.Chem.Scaffolds import MurckoScaffold

    return Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(molecule))


@cache
def _morgan() -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)


def fingerprints(molecules: Sequence[Any]) -> np.ndarray:
    """Morgan fingerprints of radius 2 (Rogers, Hahn 2010, J. Chem. Inf. Model. 50, 742), (n, BITS / 8) packed."""
    found = np.zeros((len(molecules), BITS // 8), dtype=np.uint8)
    for row, molecule in enumerate(molecules):
        found[row] = np.packbits(_morgan().GetFingerprintAsNumPy(molecule).astype(bool))
    return found


def counts(molecule: Any) -> list[int]:
    """Numbers in the order of `COUNTS`."""
    from rdkit.Chem import rdMolDescriptors as of

    return [
        molecule.GetNumHeavyAtoms(),
        of.CalcNumHBA(molecule),
        of.CalcNumHBD(molecule),
        of.CalcNumRotatableBonds(molecule),
        of.CalcNumAromaticRings(molecule),
        of.CalcNumAliphaticRings(molecule),
    ]
