"""What writing molecules in SELFIES symbols changes: the alphabet, what it can hold, and the sampler's options."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.autoregressive import Grammar
from ...physics.molecules.alphabet import LONGEST, SYMBOLS
from ...physics.molecules.symbols import SymbolVocabulary
from ...physics.molecules.tokens import Vocabulary
from .grammar import AtomFirst
from .library import MOST_SKIPPED, LibraryError
from .measure import texts
from .network import ChoosingSampler

if TYPE_CHECKING:
    import xarray as xr


def alphabet() -> SymbolVocabulary:
    """The symbols of QM9 and ZINC250k."""
    return SymbolVocabulary(SYMBOLS)


def encodable(molecules: xr.Dataset, path: str) -> xr.Dataset:
    """The molecules that have SELFIES in the alphabet; the number of the others is a warning.

    Parameters
    ----------
    molecules : Dataset
    path : str
        Where they come from, for what is told.

    Raises
    ------
    LibraryError
        A larger share of the others than `library.MOST_SKIPPED`.
    """
    smiles = texts(molecules)
    obstacles = alphabet().obstacles(smiles, LONGEST)
    named = [f"{text!r} ({obstacle})" for text, obstacle in zip(smiles, obstacles, strict=True) if obstacle]
    if not named:
        return molecules
    told = f"data: {path}: {len(named)} of {len(smiles)} molecules cannot be written in SELFIES, first {named[0]}"
    if len(named) > MOST_SKIPPED * len(smiles):
        raise LibraryError(f"{told}; expected at most {MOST_SKIPPED:.0%}: train the recipe zinc, which writes SMILES")
    warnings.warn(f"{told}; they are left out", stacklevel=2)
    return molecules.isel(sample=[row for row, obstacle in enumerate(obstacles) if not obstacle])


@dataclass(frozen=True)
class SelfiesSampler(ChoosingSampler):
    """How molecules are written in SELFIES.

    Attributes
    ----------
    prefix : str
        SMILES of a whole scaffold, without open rings or branches, which grows from its last atom. Molecules hold it
        unless a ring is closed within it once more, and their canonical SMILES need not begin with it.
    max_atoms : int
        Most heavy atoms; 0 for as many as come. A molecule ends before the first symbol that adds one too many, and
        is a molecule still; a prefix is never cut.
    """

    def check_prefix(self) -> None:
        """Raise ValueError for a prefix that is no molecule in the alphabet's symbols."""
        (obstacle,) = alphabet().obstacles([self.prefix], LONGEST)
        if obstacle:
            raise ValueError(
                f"prefix: {self.prefix!r} has {obstacle}; expected a whole molecule in under {LONGEST} symbols"
            )

    def to_end(self) -> int:
        """Symbols that make a molecule of the prefix: it is one, and what follows it may be a symbol more."""
        return 1

    def grammar(self, vocabulary: Vocabulary, count: int, length: int) -> Grammar:
        """An atom first, then any symbol."""
        return AtomFirst(vocabulary.tokens)

    def finish(self, vocabulary: Vocabulary, tokens: Tensor, prefix: int) -> Tensor:
        """Tokens (n, m), cut to `max_atoms`."""
        if not self.max_atoms or not isinstance(vocabulary, SymbolVocabulary):
            return tokens
        kept = vocabulary.within(tokens.cpu().numpy(), self.max_atoms, prefix)
        return torch.from_numpy(kept).to(tokens.device)
