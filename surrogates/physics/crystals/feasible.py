"""Which atoms fit into a space group: exact counting over the multiplicities of its Wyckoff positions.

Positions without free parameters hold one orbit at most, all others any number. Counts are of the primitive cell.
"""

from __future__ import annotations

from functools import cache

from .groups import group

MOST_ATOMS = 40


@cache
def _open(number: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Bit set of the counts that positions with free parameters reach, and (bit, multiplicity) of the others."""
    here = group(number)
    steps = {m for m, position in zip(here.multiplicities, here.positions, strict=True) if position.free}
    reached = 1
    for count in range(1, MOST_ATOMS + 1):
        if any(step <= count and reached >> (count - step) & 1 for step in steps):
            reached |= 1 << count
    special = tuple((1 << place, here.multiplicities[place]) for place in here.special)
    return reached, special


@cache
def holds(number: int, used: int, counts: tuple[int, ...]) -> bool:
    """Whether a group has room for elements of these counts, with the special positions in the bit set `used` taken.

    Parameters
    ----------
    number : int
        International Tables number.
    used : int
        Bit k: the special position at place k is taken.
    counts : tuple of int
        Atoms of each element that are yet to be placed; of each at most `MOST_ATOMS`.
    """
    reached, special = _open(number)
    hard = [count for count in counts if not reached >> count & 1]
    if not hard:
        return True
    first = max(hard)
    rest = list(counts)
    rest.remove(first)
    left = [(bit, many) for bit, many in special if not bit & used and many <= first]
    return _with(number, used, tuple(left), first, tuple(sorted(rest)), reached)


def _with(
    number: int, used: int, left: tuple[tuple[int, int], ...], need: int, rest: tuple[int, ...], reached: int
) -> bool:
    """Whether `need` atoms of one element fit by free positions and some of `left`, and then the rest."""
    if reached >> need & 1 and holds(number, used, rest):
        return True
    tried = set()
    for k, (bit, many) in enumerate(left):
        if many <= need and many not in tried:
            tried.add(many)
            if _with(number, used | bit, left[k + 1 :], need - many, rest, reached):
                return True
    return False


@cache
def holds_several(number: int, used: int, total: int, elements: int) -> bool:
    """Whether `total` atoms can be placed as `elements` orbits or more."""
    if total < elements or total < 0:
        return False
    if total == 0:
        return elements == 0
    here = group(number)
    tried = set()
    for place, (many, position) in enumerate(zip(here.multiplicities, here.positions, strict=True)):
        special = not position.free
        if many > total or (special and used >> place & 1) or (many, special) in tried:
            continue
        tried.add((many, special))
        if holds_several(number, used | (1 << place if special else 0), total - many, max(elements - 1, 0)):
            return True
    return False


@cache
def multiples(number: int, counts: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers of formula units, of the reduced counts, that the primitive cell of a group can hold."""
    most = MOST_ATOMS // sum(counts)
    return tuple(
        units for units in range(1, most + 1) if holds(number, 0, tuple(sorted(units * count for count in counts)))
    )


def why_not(number: int, counts: dict[int, int]) -> str:
    """In words, why no primitive cell of up to `MOST_ATOMS` atoms holds a reduced formula."""
    here = group(number)
    known = sorted({(many, bool(p.free)) for many, p in zip(here.multiplicities, here.positions, strict=True)})
    free = ", ".join(str(many) for many, endless in known if endless)
    once = ", ".join(str(here.multiplicities[place]) for place in here.special)
    atoms = sum(counts.values())
    if atoms > MOST_ATOMS:
        return f"it has {atoms} atoms, the primitive cell at most {MOST_ATOMS}"
    held = f"orbits of {free} atoms" + (f", and once each of {once}" if once else "")
    return f"the primitive cell of {here.symbol} holds {held}"
