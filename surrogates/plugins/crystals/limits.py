"""What no crystal can be: texts that are no formula, elements or group, and formulas that a group cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from ...contract.schema import Limit
from ...contract.variables import texts
from ...physics.crystals.elements import FormulaError, parse_formula, parse_system, reduced
from ...physics.crystals.feasible import MOST_ATOMS, holds, holds_several, multiples, why_not
from ...physics.crystals.groups import group, number_of, symbols


@cache
def wrong_formula(text: str) -> str:
    """Why a text is no formula that can be asked; empty where it is one, or nothing."""
    try:
        counts = parse_formula(text) if text.strip() else {1: 1}
    except FormulaError as error:
        return str(error)
    atoms = sum(reduced(counts)[0].values())
    return f"its {atoms} atoms are more than the {MOST_ATOMS} of a primitive cell" if atoms > MOST_ATOMS else ""


@cache
def wrong_system(text: str) -> str:
    """The same of a chemical system."""
    try:
        parse_system(text) if text.strip() else ()
    except FormulaError as error:
        return str(error)
    return ""


@cache
def wrong_group(text: str) -> str:
    """The same of a space group."""
    if not text.strip() or number_of(text):
        return ""
    from ...contract.errors import nearest

    return f"a number from 1 to 230, or a symbol such as Pnma or P 1 21/c 1{nearest(text, symbols())}"


def _single(name: str, wrong: Callable[[str], str], expected: str) -> Limit:
    def allows(values: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.array([not wrong(str(text)) for text in texts(values[name])], dtype=bool)

    def told(values: Mapping[str, Any]) -> str:
        reason = wrong(str(texts(np.asarray(values[name]))))
        return reason if name == "space_group" else f"{expected}; {reason}"

    return Limit((name,), allows, told)


@cache
def together(formula: str, system: str, symbol: str, atoms: int) -> str:
    """Why formula, elements, group and size cannot be together; empty where they can."""
    if wrong_formula(formula) or wrong_system(system) or wrong_group(symbol):
        return ""
    counts = reduced(parse_formula(formula))[0] if formula.strip() else {}
    elements = set(parse_system(system)) if system.strip() else set()
    if counts and elements and set(counts) != elements:
        return "a formula of exactly these elements"
    number = number_of(symbol) if symbol.strip() else 0
    numbers = [number] if number else range(1, 231)
    if counts:
        each, key = sum(counts.values()), tuple(sorted(counts.values()))
        if atoms > 0 and atoms % each:
            below = max(atoms // each, 1) * each
            return f"n_atoms a multiple of the formula's {each} atoms ({below} or {below + each})"
        if atoms > 0:
            wanted = tuple(sorted(count * (atoms // each) for count in key))
            if any(holds(n, 0, wanted) for n in numbers):
                return ""
        elif any(multiples(n, key) for n in numbers):
            return ""
        known = multiples(number, key) if number else ()
        if known:
            sizes = ", ".join(f"{each * units} atoms ({units} formula units)" for units in known[:4])
            return f"n_atoms that {group(number).symbol} can hold of it: {sizes}"
        return f"a formula that fits: {why_not(number or 1, counts)}"
    if atoms > 0 and any(holds_several(n, 0, atoms, len(elements)) for n in numbers):
        return ""
    if atoms <= 0 and any(
        holds_several(n, 0, size, len(elements)) for n in numbers for size in range(1, MOST_ATOMS + 1)
    ):
        return ""
    here = group(number or 1)
    sizes = [n for n in range(1, MOST_ATOMS + 1) if holds_several(here.number, 0, n, len(elements))]
    near = sorted(sizes, key=lambda n: abs(n - atoms))[:3]
    return f"n_atoms that the primitive cell of {here.symbol} can hold: {', '.join(map(str, sorted(near)))}"


_JOINT = ("formula", "chemical_system", "space_group", "n_atoms")


def _rows(values: Mapping[str, np.ndarray]) -> list[tuple[str, str, str, int]]:
    n = len(next(iter(values.values())))
    columns = [
        [str(text) for text in texts(np.asarray(values[name]))] if name in values else [""] * n for name in _JOINT[:3]
    ]
    sizes = np.asarray(values["n_atoms"]).astype(int).tolist() if "n_atoms" in values else [-1] * n
    return list(zip(*columns, sizes, strict=True))


def _fits(values: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.array([not together(*row) for row in _rows(values)], dtype=bool)


def _why(values: Mapping[str, Any]) -> str:
    return together(*_rows({name: np.asarray(values[name])[None] for name in _JOINT if name in values})[0])


LIMITS = (
    _single("formula", wrong_formula, "a formula such as LiFePO4 or Ca(OH)2"),
    _single("chemical_system", wrong_system, "elements such as Ba-Ti-O"),
    _single("space_group", wrong_group, ""),
    Limit(_JOINT, _fits, _why),
)
