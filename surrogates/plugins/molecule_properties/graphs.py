"""What surrogate and reference make of a SMILES before either computes: one molecule, and what follows exactly."""

from __future__ import annotations

from dataclasses import dataclass

from .simulation import CONVERGED, HEAVIEST, UNPARSABLE, UNSUPPORTED

NAN = float("nan")


@dataclass(frozen=True)
class Graph:
    """A molecule as RDKit reads it.

    Attributes
    ----------
    status : int
        CONVERGED where it can be simulated, else UNPARSABLE or UNSUPPORTED.
    smiles : str
        Canonical; empty where it does not parse.
    heavy_atoms : int
    molecular_weight : float
        [g/mol].
    polar_surface_area : float
        [angstrom^2].
    """

    status: int
    smiles: str = ""
    heavy_atoms: int = 0
    molecular_weight: float = NAN
    polar_surface_area: float = NAN


def graph(smiles: str) -> Graph:
    """The molecule that a SMILES stands for; of a salt or mixture its largest part.

    Parameters
    ----------
    smiles : str

    Notes
    -----
    A mixture has no one geometry: of parts that a "." separates, that with most heavy atoms stands for it, the heavier
    one of two such, and the first in canonical SMILES of equally heavy ones.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdMolDescriptors

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles) if smiles else None
        if molecule is None or molecule.GetNumAtoms() == 0:
            return Graph(UNPARSABLE)
        if "." in smiles:
            parts = Chem.GetMolFrags(molecule, asMols=True)
            molecule = min(parts, key=lambda m: (-m.GetNumHeavyAtoms(), -_weight(m), Chem.MolToSmiles(m)))
        known = all(1 <= atom.GetAtomicNum() <= HEAVIEST for atom in molecule.GetAtoms())
        return Graph(
            CONVERGED if known else UNSUPPORTED,
            Chem.MolToSmiles(molecule),
            molecule.GetNumHeavyAtoms(),
            _weight(molecule),
            rdMolDescriptors.CalcTPSA(molecule),
        )


def _weight(molecule: object) -> float:
    from rdkit.Chem import Descriptors

    return Descriptors.MolWt(molecule)  # type: ignore[attr-defined]
