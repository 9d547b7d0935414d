"""SMILES in which the bonds of aromatic rings are written out, single or double, and their atoms stay in small letters.

Written so, a SMILES needs no Kekule structure to be found before it is a molecule: any text that keeps to the valences
is one (see `valence`), while whoever reads it still sees what is aromatic.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .text import LENGTH
from .tokens import Vocabulary, split
from .valence import DIGITS, Writing, atom


class KekuleError(ValueError):
    """A SMILES whose bonds cannot be written out."""


@lru_cache(maxsize=1 << 20)
def written_out(smiles: str) -> str:
    """A SMILES with "=" wherever an aromatic bond is double; its other tokens, and their order, stay.

    Parameters
    ----------
    smiles : str
        Of a molecule.

    Raises
    ------
    KekuleError
        It has aromatic atoms, and is no molecule or has no Kekule structure.
    """
    from rdkit import Chem, rdBase

    if not any(letter in smiles for letter in "bcnops"):
        return smiles
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles, sanitize=False)
        try:
            if molecule is None:
                raise ValueError
            molecule.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(molecule)
            Chem.Kekulize(molecule)
        except ValueError:
            raise KekuleError(f"smiles: {smiles!r} has no Kekule structure") from None
    double = Chem.BondType.DOUBLE
    found: list[str] = []
    here, count, stack, rings = -1, 0, [], {}
    for token in split(smiles):
        before, place = -1, len(found)
        if token == "(":
            stack.append(here)
        elif token == ")":
            here = stack.pop()
        elif token.isdigit() and token not in rings:
            rings[token] = here, place
        elif token.isdigit():
            before, opened = rings.pop(token)
            after = here
            # a charged atom's bonds are counted when the next atom follows, so that its ring bond is told at once
            place = opened if molecule.GetAtomWithIdx(before).GetFormalCharge() else place
        elif token == ".":
            here = -1
        elif token[0].isalpha() or token[0] == "[":
            before, after, count = here, count, count + 1
            here = after
        found.append(token)
        if before >= 0 and molecule.GetBondBetweenAtoms(before, after).GetBondType() == double:
            found[place] = ("" if found[place - 1] == "=" else "=") + found[place]
    return "".join(found)


def started(smiles: str) -> tuple[str, Writing]:
    """A molecule, or the start of one, with its bonds written out, and how far it is written.

    Parameters
    ----------
    smiles : str
        Where aromatic rings are left open, one of the ways in which their double bonds may lie is taken.

    Raises
    ------
    ValueError
        A start that no molecule has, as far as can be told.
    """
    tokens = split(smiles)
    text = _begun(smiles, tokens)
    if text is None and any(_capital(token) != token for token in tokens):
        raise KekuleError(f"{smiles!r} begins no molecule: no places are found for the double bonds of aromatic rings")
    writing = Writing()
    for token in split(smiles if text is None else text):
        follows = writing.after([token])
        if follows is None:
            raise KekuleError(f"{smiles!r} begins no molecule: {token!r} after {writing.atoms} atoms breaks a valence")
        writing = follows
    return smiles if text is None else text, writing


def _begun(smiles: str, tokens: list[str]) -> str | None:
    """A SMILES written out, as it is or as the start of a molecule: what it leaves open is closed for as long.

    None where no way to close it makes a molecule.
    """
    rings = "".join(digit for digit in DIGITS if tokens.count(digit) % 2)
    depth = max(tokens.count("(") - tokens.count(")"), 0)
    tails = [")" * depth, "C" + ")" * depth]
    for left in range(depth + 1):
        for atom_first in ("", "C") if left else ("",):
            for chain in ("CC", "cC", "C", "c"):
                tails.append(f"{atom_first}{')' * left}{chain}{rings}{')' * (depth - left)}")
    for tail in tails:
        try:
            text = written_out(smiles + tail)
        except KekuleError:
            continue
        kept, todo = "", tokens.copy()
        for token in split(text):
            if not todo:
                break
            if token == todo[0]:  # or a bond that was written out
                del todo[0]
            kept += token
        return kept
    return None


def _capital(token: str) -> str:
    """An aromatic atom's token as that of any other atom."""
    if token[0] == "[" and token[1].islower():
        return f"[{token[1].upper()}{token[2:]}"
    return token.upper() if atom(token) is not None and len(token) == 1 else token


class KekuleVocabulary(Vocabulary):
    """Tokens of SMILES with bonds written out; molecules go in and come out as RDKit's canonical SMILES.

    Parameters
    ----------
    tokens, merges
        As `Vocabulary`'s.
    """

    def __init__(self, tokens: Sequence[str], merges: np.ndarray | None = None) -> None:
        super().__init__(tokens, merges)
        simple = self.tokens[: self.simple]
        self._capitals = ["".join(_capital(simple[code]) for code in row if code) for row in self.parts()]

    def encode(self, smiles: Sequence[str], length: int) -> np.ndarray:
        """Codes without START, padded with END; (n, length) int64.

        Raises
        ------
        ValueError
            As `Vocabulary.encode`; `KekuleError` as `written_out`.
        """
        return super().encode([written_out(text) for text in smiles], length)

    def begun(self, smiles: str, length: int) -> np.ndarray:
        """Codes (length,) of the start of a molecule; see `started`."""
        return super().encode([started(smiles)[0]], length)[0]

    def decode(self, codes: np.ndarray) -> list[str]:
        """RDKit's canonical SMILES of codes (n, length), each up to its first END; as it is written where none is."""
        from rdkit import Chem, rdBase

        found = []
        with rdBase.BlockLogs():
            for row in codes:
                ends = np.flatnonzero(row == 0)
                text = "".join(self._capitals[code] for code in row[: ends[0] if len(ends) else len(row)])
                molecule = Chem.MolFromSmiles(text)
                found.append(text if molecule is None else Chem.MolToSmiles(molecule))
        return [text if len(text) <= LENGTH else "" for text in found]
