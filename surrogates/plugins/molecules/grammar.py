"""What may come next while a molecule is written: SMILES within a number of atoms, SELFIES that begin with one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class AtomLimit:
    """What may come next in SMILES of at most so many heavy atoms.

    Every bracket atom counts, also a written-out hydrogen's neighbour such as ``[nH]``.

    Parameters
    ----------
    tokens : sequence of str
        The vocabulary, END first.
    count : int
        Sequences.
    most : int
        Atoms.
    """

    def __init__(self, tokens: Sequence[str], count: int, most: int, *, device: torch.device | str = "cpu") -> None:
        self.most = most
        self.atom = torch.tensor([token[0].isalpha() or token[0] == "[" for token in tokens], device=device)
        self.digit = [tokens.index(digit) for digit in "12345678" if digit in tokens]
        self.opens, self.closes = tokens.index("("), tokens.index(")")
        self.ends = torch.tensor([token in "<(-=#:/\\." for token in tokens], device=device)
        self.branches = torch.zeros(count, dtype=torch.bool, device=device)
        self.atoms = torch.zeros(count, dtype=torch.int64, device=device)
        self.depth = torch.zeros(count, dtype=torch.int64, device=device)
        self.rings = torch.zeros(count, len(self.digit), dtype=torch.bool, device=device)

    def allowed(self) -> Tensor:
        """(n, vocabulary) bool: below the limit anything but the end of what is open; there open rings close first,
        then branches, then it ends.
        """
        full = (self.atoms >= self.most)[:, None]
        last = torch.zeros(len(full), len(self.atom), dtype=torch.bool, device=self.atom.device)
        open_ring = self.rings.any(dim=1)
        last[:, self.digit] = self.rings
        last[:, self.closes] = ~open_ring & (self.depth > 0)
        closed = ~open_ring & (self.depth <= 0)
        last[:, 0] = closed
        found = ~full | last
        found[:, 0] = closed
        found[:, self.opens] &= self.branches
        return found

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        self.branches = ~self.ends[tokens]
        self.atoms += self.atom[tokens]
        self.depth += (tokens == self.opens).long() - (tokens == self.closes).long()
        for place, code in enumerate(self.digit):
            self.rings[:, place] ^= tokens == code


class AtomFirst:
    """What may come next in SELFIES that are no empty molecule: first an atom, then anything.

    Parameters
    ----------
    tokens : sequence of str
        The vocabulary, END and START first.
    count : int
        Sequences.
    """

    def __init__(self, tokens: Sequence[str], count: int, *, device: torch.device | str = "cpu") -> None:
        atom = [place > 1 and "Ring" not in token and "Branch" not in token for place, token in enumerate(tokens)]
        self.found = torch.tensor(atom, device=device).expand(count, -1)

    def allowed(self) -> Tensor:
        """(n, vocabulary) bool."""
        return self.found

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        self.found = torch.ones_like(self.found)
