"""Molecules as SELFIES symbols, of which every sequence is a molecule.

Krenn et al. 2020, Mach. Learn.: Sci. Technol. 1, 045024, arXiv:1905.13741; the package selfies with its default
constraints, whatever else a program has set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from .descriptors import canonical
from .text import LENGTH
from .tokens import Vocabulary


@contextmanager
def _default_constraints() -> Iterator[None]:
    import selfies

    before, default = selfies.get_semantic_constraints(), selfies.get_preset_constraints("default")
    if before != default:
        selfies.set_semantic_constraints(default)
    try:
        yield
    finally:
        if before != default:
            selfies.set_semantic_constraints(before)


@lru_cache(maxsize=1 << 20)
def _symbols(smiles: str) -> tuple[str, ...] | None:
    import selfies

    try:
        return tuple(selfies.split_selfies(selfies.encoder(smiles) if smiles else ""))
    except selfies.EncoderError:
        return None


class SymbolVocabulary(Vocabulary):
    """SELFIES symbols by number, END and START as in `Vocabulary`; molecules go in and come out as SMILES.

    Parameters
    ----------
    tokens : sequence of str
        Symbols, without START and END.
    """

    @classmethod
    def of(cls, smiles: Iterable[str]) -> SymbolVocabulary:
        """The symbols that occur, sorted; molecules that have none are passed over."""
        with _default_constraints():
            return cls(sorted({symbol for text in smiles for symbol in _symbols(text) or ()}))

    def obstacles(self, smiles: Sequence[str], length: int) -> list[str]:
        """Why each molecule cannot be written in length - 1 symbols; an empty text where it can."""
        with _default_constraints():
            return [self._obstacle(text, length) for text in smiles]

    def _obstacle(self, smiles: str, length: int) -> str:
        symbols = _symbols(smiles)
        if symbols is None:
            return "no SELFIES"
        foreign = next((symbol for symbol in symbols if symbol not in self.code), None)
        if foreign is not None:
            return f"unsupported symbol {foreign}"
        return f"{len(symbols)} symbols" if len(symbols) >= length else ""

    def encode(self, smiles: Sequence[str], length: int) -> np.ndarray:
        """Codes of the symbols without START, padded with END; (n, length) int64.

        Raises
        ------
        ValueError
            A molecule that SELFIES' constraints forbid, an unknown symbol, or more than length - 1 of them.
        """
        codes = np.zeros((len(smiles), length), dtype=np.int64)
        with _default_constraints():
            for row, text in enumerate(smiles):
                obstacle = self._obstacle(text, length)
                if obstacle:
                    raise ValueError(
                        f"smiles: {text!r} has {obstacle}; expected at most {length - 1} of the alphabet's symbols"
                    )
                symbols = _symbols(text) or ()
                codes[row, : len(symbols)] = [self.code[symbol] for symbol in symbols]
        return codes

    def decode(self, codes: np.ndarray) -> list[str]:
        """RDKit's canonical SMILES of codes (n, length), each up to its first END.

        What RDKit rejects comes as selfies wrote it. A SMILES longer than `LENGTH` characters loses its last symbols
        until it fits.
        """
        found = []
        with _default_constraints():
            for row in codes:
                symbols = self._row(row)
                text = _smiles(symbols)
                while len(text) > LENGTH:
                    symbols = symbols[:-1]
                    text = _smiles(symbols)
                found.append(text)
        return found

    def within(self, codes: np.ndarray, atoms: int, least: int = 0) -> np.ndarray:
        """Codes (n, length), of each row the most symbols, and `least` at least, that hold at most so many atoms."""
        kept = np.zeros_like(codes)
        with _default_constraints():
            for row, place in zip(codes, kept, strict=True):
                symbols = self._row(row)
                low, high = min(least, len(symbols)), len(symbols)
                while low < high:  # a symbol more never takes an atom away
                    middle = (low + high + 1) // 2
                    low, high = (middle, high) if _atoms(symbols[:middle]) <= atoms else (low, middle - 1)
                place[:low] = [self.code[symbol] for symbol in symbols[:low]]
        return kept

    def _row(self, row: np.ndarray) -> list[str]:
        ends = np.flatnonzero(row == 0)
        return [self.tokens[code] for code in row[: ends[0] if len(ends) else len(row)] if code > 1]


def _smiles(symbols: Sequence[str]) -> str:
    import selfies

    text = str(selfies.decoder("".join(symbols)))
    return (canonical(text) or text) if text else ""


def _atoms(symbols: Sequence[str]) -> int:
    import selfies
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(selfies.decoder("".join(symbols)), sanitize=False)
    return 0 if molecule is None else molecule.GetNumAtoms()
