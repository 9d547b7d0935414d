"""What may be written next so that a SMILES with all its bonds written out ends as a molecule, whatever comes before.

Valences are those of RDKit's periodic table; a charged atom has the valences of the element with as many electrons.
Rings, branches and bonds follow Weininger 1988, J. Chem. Inf. Comput. Sci. 28, 31.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

ORDERS = {"-": 1, "/": 1, "\\": 1, "=": 2, "#": 3}
DIGITS = tuple("12345678")
_BRACKET = re.compile(r"\[([A-Za-z][a-z]?)(@{0,2})(H\d?)?([+-]?)\]")
_ATOM, _RING, _BRANCH, _BACK, _BOND = range(5)  # what was written last


@dataclass(frozen=True)
class Atom:
    """What a token of an atom can bind.

    Attributes
    ----------
    sums : tuple of int
        Sums of the orders of its bonds that it can have, ascending; empty for any up to `most`.
    most : int
    """

    sums: tuple[int, ...]
    most: int


@cache
def atom(token: str) -> Atom | None:
    """What an atom binds; None for a token that is no atom, or one of another notation.

    An atom in brackets has no more hydrogen than is written, so that its bonds are one of its valences in sum; one
    without brackets is filled up with hydrogen.
    """
    from rdkit import Chem

    bracket = _BRACKET.fullmatch(token)
    symbol = bracket.group(1) if bracket else token
    symbol = symbol[0].upper() + symbol[1:]
    if not bracket and token not in ("Cl", "Br", *"BCNOPSFIbcnops"):
        return None
    table, charge, hydrogen = Chem.GetPeriodicTable(), 0, 0
    if bracket:
        charge = {"+": 1, "-": -1, "": 0}[bracket.group(4)]
        hydrogen = int((bracket.group(3) or "H0")[1:] or 1)
    valences = table.GetValenceList(table.GetAtomicNumber(symbol) - charge)
    sums = tuple(sorted(valence - hydrogen for valence in valences if valence >= hydrogen))
    if symbol == "I":
        sums = (1 - hydrogen,)  # the higher ones are of periodates and the like
    return Atom(sums if bracket else (), sums[-1]) if sums else None


class Writing:
    """A molecule as far as it is written: atoms with the bonds they have, what is open, and where it goes on."""

    __slots__ = ("before", "bond", "branching", "closed", "here", "kinds", "last", "rings", "stack", "used")

    def __init__(self) -> None:
        self.kinds: list[Atom] = []
        self.used: list[int] = []  # orders of each atom's bonds in sum
        self.stack: list[int] = []  # atoms at which branches left
        self.rings: dict[str, tuple[int, int]] = {}  # digit -> atom, and the order told there or 0
        self.before: list[int] = []  # the atom that each atom was first bound to, or -1
        self.closed: frozenset[tuple[int, int]] = frozenset()  # the first and the second atom of each ring's last bond
        # the atom that comes next is bound to `here`, with the order `bond` or 1, as a branch or not
        self.here, self.bond, self.last, self.branching = -1, 0, _BACK, False

    @property
    def atoms(self) -> int:
        """Atoms written so far."""
        return len(self.kinds)

    def copy(self) -> Writing:
        """Another that goes on by itself."""
        other = Writing.__new__(Writing)
        other.kinds, other.used, other.stack = self.kinds.copy(), self.used.copy(), self.stack.copy()
        other.rings, other.closed, other.before = self.rings.copy(), self.closed, self.before.copy()
        other.here, other.bond, other.last, other.branching = self.here, self.bond, self.last, self.branching
        return other

    def after(self, tokens: Sequence[str]) -> Writing | None:
        """What is written after more tokens; None where they may not follow, or no molecule could come of it."""
        other = self.copy()
        return other if all(map(other._take, tokens)) and other._goes_on() else None

    def may_end(self) -> bool:
        """Whether what is written is a molecule."""
        done = not self.rings and not self.stack and not self.bond and self.here >= 0
        return done and not self.branching and self._filled(self.here)

    def completion(self) -> list[str]:
        """Few tokens that make a molecule of it: rings are closed, branches left, charges bound to carbon."""
        state, tokens = self, []
        while not state.may_end():
            more = state._nearer()
            follows = state.after(more)
            assert follows is not None and more, tokens
            state, tokens = follows, tokens + more
        return tokens

    def slack(self) -> int:
        """A bound on the tokens, and so the atoms, that `completion` takes; cheap."""
        unfilled = sum(not self._filled(place) for place in (*self.stack, self.here) if place >= 0)
        return 6 * len(self.rings) + len(self.stack) + 8 * unfilled + 6

    # ---------------------------------------------------------------------------------------------------------------

    def _free(self, place: int) -> int:
        return self.kinds[place].most - self.used[place]

    def _filled(self, place: int, more: int = 0) -> bool:
        sums = self.kinds[place].sums
        return not sums or self.used[place] + more in sums

    def _unused(self) -> list[str]:
        """Digits of rings that are not open."""
        return [digit for digit in DIGITS if digit not in self.rings]

    def _goes_on(self) -> bool:
        """Whether there is a place at which what is open can be closed."""
        if not self.rings or self.bond or self.branching:
            return True
        return self._free(self.here) > 0 or any(self._free(place) > 0 for place in self.stack)

    def _take(self, token: str) -> bool:
        kind = atom(token)
        if kind is not None:
            return self._take_atom(kind)
        if token in ORDERS:
            return self._take_bond(ORDERS[token])
        if token == "(":
            may = not self.bond and not self.branching and self.here >= 0 and self._free(self.here) > 0
            self.stack.append(self.here)
            self.branching, self.last = True, _BRANCH
            return may
        if token == ")":
            if not self.stack or self.bond or self.branching or not self._filled(self.here):
                return False
            self.here, self.last = self.stack.pop(), _BACK
            return True
        return token in DIGITS and self._take_ring(token)

    def _take_bond(self, order: int) -> bool:
        if self.bond or self.here < 0 or self._free(self.here) < order:
            return False
        if self.last in (_BRANCH, _BACK):
            self.last = _BOND
        self.bond = order
        return self.branching or self._filled(self.here, order) or bool(self._unused() and self.last != _BOND)

    def _take_atom(self, kind: Atom) -> bool:
        place, order = len(self.kinds), self.bond or 1
        if self.here >= 0:
            if self._free(self.here) < order or kind.most < order:
                return False
            self.used[self.here] += order
            if not self.branching and not self._filled(self.here):
                return False
        elif self.kinds:
            return False
        self.before.append(self.here)
        self.kinds.append(kind)
        self.used.append(order if self.here >= 0 else 0)
        self.here, self.bond, self.last, self.branching = place, 0, _ATOM, False
        return True

    def _take_ring(self, digit: str) -> bool:
        if self.last not in (_ATOM, _RING) or self.here < 0 or self.branching:
            return False
        here, asked = self.here, self.bond
        self.bond, self.last = 0, _RING
        if digit not in self.rings:
            order = asked or 1
            self.rings[digit] = (here, asked)
            self.used[here] += order
            return self._free(here) >= 0
        other, told = self.rings.pop(digit)
        order = asked or told or 1
        bonded = (
            self.before[here] == other
            or self.before[other] == here
            or not self.closed.isdisjoint(((other, here), (here, other)))
        )
        if other == here or bonded or (asked and told and asked != told):
            return False
        self.closed |= {(other, here)}
        more = order - (told or 1)
        self.used[other] += more
        self.used[here] += order
        bound = self._free(other) >= 0 and self._free(here) >= 0
        return bound and (not more or other in self.stack or self._filled(other))

    def _nearer(self) -> list[str]:
        """Tokens that bring a molecule nearer."""
        if self.bond or self.branching or self.here < 0:
            return (
                ["C"] if self.branching or self.here < 0 or self._filled(self.here, self.bond) else self._unused()[:1]
            )
        for digit in self.rings:
            for closing in ([digit], ["(", "C", digit, ")"]):
                if self.after(closing) is not None:
                    return closing
        if self.rings and self._free(self.here) > 0 or not self._filled(self.here):
            return ["C"] if self.after(["C"]) is not None else ["(", "C", ")"]
        return [")"]
