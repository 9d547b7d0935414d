"""What may come next while a molecule is written: SMILES within a number of atoms, SELFIES that begin with one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from surrogates.physics.molecules.tokens import Vocabulary


class AtomLimit:
    """What may come next in SMILES of at most so many heavy atoms.

    Every bracket atom counts, also a written-out hydrogen's neighbour such as ``[nH]``.

    Parameters
    ----------
    vocabulary : Vocabulary
    count : int
        Sequences.
    most : int
        Atoms.
    """

    def __init__(self, vocabulary: Vocabulary, count: int, most: int, *, device: torch.device | str = "cpu") -> None:
        self.most, names = most, vocabulary.tokens[: vocabulary.simple]
        self.digit = [names.index(digit) for digit in "12345678" if digit in names]
        self.opens, self.closes = names.index("("), names.index(")")
        parts = torch.from_numpy(vocabulary.parts())
        is_atom = torch.tensor([name[0].isalpha() or name[0] == "[" for name in names])
        leads_on = torch.tensor([name in "<(-=#:/\\." for name in names])
        last = parts.gather(1, (parts != 0).sum(1, keepdim=True).clamp(min=1) - 1)[:, 0]
        self.atom = is_atom[parts].sum(1).to(device)
        self.turn = ((parts == self.opens).sum(1) - (parts == self.closes).sum(1)).to(device)
        self.closing = torch.stack([(parts == digit).sum(1) % 2 == 1 for digit in self.digit], dim=1).to(device)
        self.branching = (parts[:, 0] == self.opens).to(device)
        self.ends = leads_on[last].to(device)
        self.branches = torch.zeros(count, dtype=torch.bool, device=device)
        self.atoms = torch.zeros(count, dtype=torch.int64, device=device)
        self.depth = torch.zeros(count, dtype=torch.int64, device=device)
        self.rings = torch.zeros(count, len(self.digit), dtype=torch.bool, device=device)

    def allowed(self) -> Tensor:
        """(n, vocabulary) bool: below the limit any token that keeps to it but the end of what is open; there open
        rings close first, then branches, then it ends.
        """
        left = self.most - self.atoms[:, None]
        last = torch.zeros(len(left), len(self.atom), dtype=torch.bool, device=self.atom.device)
        open_ring = self.rings.any(dim=1)
        last[:, self.digit] = self.rings
        last[:, self.closes] = ~open_ring & (self.depth > 0)
        closed = ~open_ring & (self.depth <= 0)
        last[:, 0] = closed
        found = torch.where(left > 0, self.atom <= left, last)
        found[:, 0] = closed
        return found & (~self.branching | self.branches[:, None])

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        self.branches = ~self.ends[tokens]
        self.atoms += self.atom[tokens]
        self.depth += self.turn[tokens]
        self.rings ^= self.closing[tokens]

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
        self.branches, self.atoms = self.branches[rows], self.atoms[rows]
        self.depth, self.rings = self.depth[rows], self.rings[rows]


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

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
        self.found = self.found[rows]
