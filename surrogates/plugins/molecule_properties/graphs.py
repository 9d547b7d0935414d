"""What surrogate and reference make of a SMILES before either computes: one molecule, and what follows exactly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...contract.errors import SurrogatesError
from ...physics.molecules.simulation import CONVERGED, HEAVIEST, UNPARSABLE, UNSUPPORTED

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Graph:
    """A molecule as RDKit reads it.

    Attributes
    ----------
    status : int
        CONVERGED where it can be simulated, else UNPARSABLE or UNSUPPORTED.
    smiles : str
        Canonical; empty where it does not parse.
    flat : str
        The same without stereochemistry and isotopes.
    stereo : bool
        Whether it says anything of stereochemistry.
    heavy_atoms : int
    molecular_weight : float
        [g/mol].
    polar_surface_area : float
        [angstrom^2].
    """

    status: int
    smiles: str = ""
    flat: str = ""
    stereo: bool = False
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
    return graphs([smiles])[0]


def graphs(smiles: Sequence[str]) -> list[Graph]:
    """The molecules that SMILES stand for; see `graph`."""
    tools = toolkit()
    with tools.quiet():
        found = {text: _read(tools, text) for text in set(smiles)}
    return [found[text] for text in smiles]


def _read(tools: Toolkit, smiles: str) -> Graph:
    molecule = tools.parse(smiles) if smiles else None
    if molecule is None or molecule.GetNumAtoms() == 0:
        return Graph(UNPARSABLE)
    if "." in smiles:
        parts = tools.parts(molecule, asMols=True)
        molecule = min(parts, key=lambda m: (-m.GetNumHeavyAtoms(), -tools.weight(m), tools.write(m)))
    exotic = "[" in smiles and any(not 1 <= atom.GetAtomicNum() <= HEAVIEST for atom in molecule.GetAtoms())
    written = tools.write(molecule)
    return Graph(
        UNSUPPORTED if exotic else CONVERGED,
        written,
        _flat(tools, molecule) if _MARKED.search(written) else written,
        any(mark in written for mark in "@/\\"),
        molecule.GetNumHeavyAtoms(),
        tools.weight(molecule),
        tools.surface(molecule),
    )


_MARKED = re.compile(r"[@/\\]|\[\d")
"""Stereochemistry or an isotope in a SMILES."""


def _flat(tools: Toolkit, molecule: Any) -> str:
    plain = tools.parse(tools.write(molecule, isomericSmiles=False))
    return tools.write(molecule if plain is None else plain)


@dataclass(frozen=True)
class Toolkit:
    """What is used of RDKit, imported once."""

    quiet: Callable[[], Any]
    parse: Callable[[str], Any]
    parts: Callable[..., Any]
    write: Callable[..., str]
    weight: Callable[[Any], float]
    surface: Callable[[Any], float]


@cache
def toolkit() -> Toolkit:
    """RDKit; raises SurrogatesError where it is not installed."""
    try:
        from rdkit import Chem, rdBase
        from rdkit.Chem import Descriptors, rdMolDescriptors
    except ImportError:
        raise SurrogatesError(
            "smiles: reading them needs rdkit, which is not installed; pip install 'surrogates[molecules]'"
        ) from None
    return Toolkit(
        rdBase.BlockLogs,
        Chem.MolFromSmiles,
        Chem.GetMolFrags,
        Chem.MolToSmiles,
        Descriptors.MolWt,  # type: ignore[attr-defined]
        rdMolDescriptors.CalcTPSA,
    )
