"""SMILES as tokens: atoms, bonds, branches and ring closures, not characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from .merging import merged

TOKEN = re.compile(r"\[[^\]]+\]|Br|Cl|%\d{2}|[BCNOPSFI]|[bcnops]|[-=#$:/\\.()~*]|\d")
"""After Schwaller et al. 2018, Chem. Sci. 9, 6091: bracket atoms, two-letter elements and %nn are one token each."""

START, END = "<", ">"
"""Begin and end of a molecule; END is the first of any vocabulary and pads it too."""


def split(smiles: str) -> list[str]:
    """Tokens of a SMILES.

    Raises
    ------
    ValueError
        A character that starts no token.
    """
    found = TOKEN.findall(smiles)
    if sum(map(len, found)) != len(smiles):
        at = next((i for i, token in _gaps(smiles)), 0)
        raise ValueError(f"smiles: {smiles!r} has no token at character {at} ({smiles[at : at + 5]!r})")
    return found


def _gaps(smiles: str) -> Iterable[tuple[int, str]]:
    at = 0
    for match in TOKEN.finditer(smiles):
        if match.start() > at:
            yield at, smiles[at : match.start()]
        at = match.end()
    if at < len(smiles):
        yield at, smiles[at:]


class Vocabulary:
    """Tokens by number: END is 0, START 1, the others from 2.

    Parameters
    ----------
    tokens : sequence of str
        Without START and END.
    merges : ndarray, optional
        (k, 2) pairs of tokens that are one token more each, in their order (see `merging`).
    """

    def __init__(self, tokens: Sequence[str], merges: np.ndarray | None = None) -> None:
        self.tokens: tuple[str, ...] = (END, START, *tokens)
        self.code = {token: number for number, token in enumerate(self.tokens)}
        self.simple = len(self.tokens)
        self.merges = np.zeros((0, 2), dtype=np.int64) if merges is None else np.asarray(merges)
        for left, right in self.merges.tolist():
            self.tokens += (self.tokens[left] + self.tokens[right],)

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def of(cls, smiles: Iterable[str]) -> Vocabulary:
        """The tokens that occur, sorted."""
        return cls(sorted({token for text in smiles for token in split(text)}))

    def encode(self, smiles: Sequence[str], length: int) -> np.ndarray:
        """Codes without START, padded with END; (n, length) int64.

        Raises
        ------
        ValueError
            An unknown token, or a molecule of more than length - 1 tokens before any are merged.
        """
        codes = np.zeros((len(smiles), length), dtype=np.int64)
        for row, text in enumerate(smiles):
            tokens = split(text)
            if len(tokens) >= length:
                raise ValueError(f"smiles: {text!r} has {len(tokens)} tokens; expected at most {length - 1}")
            unknown = [token for token in tokens if token not in self.code]
            if unknown:
                raise ValueError(f"smiles: {text!r} has the token {unknown[0]!r}, which is not in the vocabulary")
            codes[row, : len(tokens)] = [self.code[token] for token in tokens]
        return merged(codes, self.merges, self.simple) if len(self.merges) else codes

    def begun(self, smiles: str, length: int) -> np.ndarray:
        """Codes (length,) of the start of a molecule, as `encode`."""
        return self.encode([smiles], length)[0]

    def parts(self) -> np.ndarray:
        """The simple tokens that each token is made of, padded with 0; (vocabulary, p) int64."""
        found: list[list[int]] = [[code] if code else [] for code in range(self.simple)]
        for left, right in self.merges.tolist():
            found.append(found[left] + found[right])
        longest = max(map(len, found))
        return np.array([codes + [0] * (longest - len(codes)) for codes in found], dtype=np.int64)

    def decode(self, codes: np.ndarray) -> list[str]:
        """SMILES of codes (n, length), each up to its first END."""
        return ["".join(self.tokens[code] for code in row[: _end(row)]) for row in codes]


def _end(row: np.ndarray) -> int:
    found = np.flatnonzero(row == 0)
    return int(found[0]) if len(found) else len(row)
