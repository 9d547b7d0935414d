"""What may come next while a molecule is written: SMILES that keep to the valences, SELFIES that begin with an atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...physics.molecules.tokens import Vocabulary
from ...physics.molecules.valence import Writing


class Valences:
    """SMILES that end as molecules: what may come next leaves a way to close what is open within the tokens left.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of SMILES with bonds written out.
    count : int
        Sequences.
    length : int
        Tokens of each, at most.
    most : int
        Heavy atoms of each; 0 for as many as fit. Every bracket atom counts.
    """

    def __init__(self, vocabulary: Vocabulary, count: int, length: int, most: int = 0) -> None:
        simple = vocabulary.tokens[: vocabulary.simple]
        self.parts = [tuple(simple[code] for code in row if code) for row in vocabulary.parts().tolist()]
        self.left, self.most = length, most
        self.states: list[_Planned | None] = [_Planned(Writing())] * count
        self.next: dict[tuple[int, int], _Planned] = {}

    def refused(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Which of the tokens (k,) may not come next in sequences `rows` (k,); (k,) bool."""
        pairs = zip(rows.tolist(), tokens.tolist(), strict=True)
        return torch.tensor([not self._takes(*pair) for pair in pairs], dtype=torch.bool, device=tokens.device)

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn, or given."""
        for row, token in enumerate(tokens.tolist()):
            before = self.states[row]
            if before is not None and not token:
                self.states[row] = None
            elif before is not None:
                self.states[row] = self.next.get((row, token)) or before.given(self.parts[token])
        self.next.clear()
        self.left -= 1

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
        self.states = [self.states[row] for row in rows.tolist()]

    def _takes(self, row: int, token: int) -> bool:
        before = self.states[row]
        if before is None or not token:
            return before is None or before.writing.may_end()
        after = before.after(self.parts[token], self.left - 1, self.most)
        if after is not None:
            self.next[row, token] = after
        return after is not None


@dataclass
class _Planned:
    """A molecule as far as it is written, and one way to end it within the limits, where that was looked for."""

    writing: Writing
    plan: list[str] | None = None

    def given(self, tokens: Sequence[str]) -> _Planned:
        """The same with tokens that were given, whatever the limits."""
        writing = self.writing.after(tokens)
        if writing is None:
            raise ValueError(f"prefix: {''.join(tokens)!r} may not follow")
        return _Planned(writing)

    def after(self, tokens: Sequence[str], left: int, most: int) -> _Planned | None:
        """The same with tokens more, if it can be ended in `left` tokens and with `most` atoms then (0 for any).

        A plan once made holds to its end, so that a token more may always be taken.
        """
        writing = self.writing.after(tokens)
        if writing is None:
            return None
        slack = writing.slack()
        if left >= slack and (not most or most - writing.atoms >= slack):
            return _Planned(writing)
        plan = writing.completion()
        if len(plan) <= left and (not most or writing.atoms + plan.count("C") <= most):
            return _Planned(writing, plan)
        if self.plan is None:
            self.plan = self.writing.completion()
        return _Planned(writing, self.plan[1:]) if list(tokens) == self.plan[:1] else None


class AtomFirst:
    """What may come next in SELFIES that are no empty molecule: first an atom, then anything.

    Parameters
    ----------
    tokens : sequence of str
        The vocabulary, END and START first.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        atom = [place > 1 and "Ring" not in token and "Branch" not in token for place, token in enumerate(tokens)]
        self.atom, self.first = torch.tensor(atom), True

    def refused(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Which of the tokens (k,) may not come next in sequences `rows` (k,); (k,) bool."""
        return ~self.atom.to(tokens.device)[tokens] if self.first else torch.zeros_like(rows, dtype=torch.bool)

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        self.first = False

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
