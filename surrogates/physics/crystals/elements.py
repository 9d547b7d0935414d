"""Chemical elements: symbols, Pauling electronegativities and covalent radii.

Electronegativities: Pauling scale as in the CRC Handbook; 0 for noble gases without one. Radii: Cordero et al. 2008,
Dalton Trans., 2832, in angstrom; low-spin values of Mn, Fe and Co.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from math import gcd

import numpy as np

SYMBOLS = tuple(
    (
        "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
        "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir "
        "Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu"
    ).split()
)
"""Symbols up to plutonium; atomic number 1 stands at place 0."""

ELECTRONEGATIVITY = np.array(
    [
        *(2.20, 0.0, 0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, 0.0, 0.93, 1.31, 1.61, 1.90, 2.19, 2.58, 3.16, 0.0),
        *(0.82, 1.00, 1.36, 1.54, 1.63, 1.66, 1.55, 1.83, 1.88, 1.91, 1.90, 1.65, 1.81, 2.01, 2.18, 2.55, 2.96, 3.00),
        *(0.82, 0.95, 1.22, 1.33, 1.60, 2.16, 1.90, 2.20, 2.28, 2.20, 1.93, 1.69, 1.78, 1.96, 2.05, 2.10, 2.66, 2.60),
        *(0.79, 0.89, 1.10, 1.12, 1.13, 1.14, 1.13, 1.17, 1.20, 1.20, 1.10, 1.22, 1.23, 1.24, 1.25, 1.10, 1.27, 1.30),
        *(1.50, 2.36, 1.90, 2.20, 2.20, 2.28, 2.54, 2.00, 1.62, 2.33, 2.02, 2.00, 2.20, 0.0, 0.70, 0.90, 1.10, 1.30),
        *(1.50, 1.38, 1.36, 1.28),
    ]
)
RADIUS = np.array(
    [
        *(0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06),
        *(2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.20, 1.19, 1.20, 1.20, 1.16),
        *(2.20, 1.95, 1.90, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.40),
        *(2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.90, 1.87, 1.87, 1.75),
        *(1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.40, 1.50, 1.50, 2.60, 2.21, 2.15, 2.06),
        *(2.00, 1.96, 1.90, 1.87),
    ]
)
MASSES = np.array(
    [
        *(1.008, 4.003, 6.94, 9.012, 10.81, 12.011, 14.007, 15.999, 18.998, 20.18, 22.99, 24.305, 26.982, 28.085),
        *(30.974, 32.06, 35.45, 39.95, 39.098, 40.078, 44.956, 47.867, 50.942, 51.996, 54.938, 55.845, 58.933),
        *(58.693, 63.546, 65.38, 69.723, 72.63, 74.922, 78.971, 79.904, 83.798, 85.468, 87.62, 88.906, 91.224),
        *(92.906, 95.95, 97.0, 101.07, 102.906, 106.42, 107.868, 112.414, 114.818, 118.71, 121.76, 127.6, 126.904),
        *(131.293, 132.905, 137.327, 138.905, 140.116, 140.908, 144.242, 145.0, 150.36, 151.964, 157.25, 158.925),
        *(162.5, 164.93, 167.259, 168.934, 173.045, 174.967, 178.486, 180.948, 183.84, 186.207, 190.23, 192.217),
        *(195.084, 196.967, 200.592, 204.38, 207.2, 208.98, 209.0, 210.0, 222.0, 223.0, 226.0, 227.0, 232.038),
        *(231.036, 238.029, 237.0, 244.0),
    ]
)
"""Standard atomic masses [u], abridged (IUPAC 2021); mass numbers of the longest-lived where there is none."""
MASS_UNIT = 1.66053906892
"""Density [g/cm3] of 1 u in 1 angstrom3."""
MOST = len(SYMBOLS)
_ORDER = {number: place for place, number in enumerate(np.lexsort((np.arange(MOST), ELECTRONEGATIVITY)) + 1)}
_FORMULA = re.compile(r"([A-Z][a-z]?)(\d*)|([()\[\]])(\d*)")


def order(number: int) -> int:
    """Place of an element by electronegativity, then atomic number: cations come first."""
    return _ORDER[int(number)]


class FormulaError(ValueError):
    """A text that is no formula, or names an element that there is none of."""


def parse_formula(text: str) -> dict[int, int]:
    """Atomic number -> count of a formula such as ``LiFePO4`` or ``Ca(OH)2``.

    Raises
    ------
    FormulaError
        What is wrong, in words.
    """
    stack: list[dict[int, int]] = [{}]
    at = 0
    plain = text.replace(" ", "")
    while at < len(plain):
        found = _FORMULA.match(plain, at)
        if found is None:
            raise FormulaError(f"{plain[at:]!r} in it is no element and number; whole numbers alone are read")
        symbol, count, bracket, times = found.groups()
        at = found.end()
        if symbol:
            if symbol not in SYMBOLS:
                raise FormulaError(f"{symbol!r} in it is no element up to Pu")
            number = SYMBOLS.index(symbol) + 1
            stack[-1][number] = stack[-1].get(number, 0) + int(count or 1)
        elif bracket in "([":
            stack.append({})
        else:
            if len(stack) < 2:
                raise FormulaError("a bracket in it closes that none opened")
            for number, many in stack.pop().items():
                stack[-1][number] = stack[-1].get(number, 0) + many * int(times or 1)
    if len(stack) != 1:
        raise FormulaError("a bracket in it stays open")
    if not stack[0] or min(stack[0].values()) < 1:
        raise FormulaError("it has no atoms")
    return stack[0]


def parse_system(text: str) -> tuple[int, ...]:
    """Sorted atomic numbers of a chemical system such as ``Ba-Ti-O``; raises FormulaError."""
    names = [name.strip() for name in text.split("-")]
    for name in names:
        if name not in SYMBOLS:
            raise FormulaError(f"{name!r} in it is no element up to Pu; write it as Ba-Ti-O")
    return tuple(sorted({SYMBOLS.index(name) + 1 for name in names}))


def reduced(counts: Mapping[int, int]) -> tuple[dict[int, int], int]:
    """A formula divided by the greatest common divisor, and that divisor."""
    divisor = reduce(gcd, counts.values())
    return {number: count // divisor for number, count in counts.items()}, divisor


def formula(counts: Mapping[int, int]) -> str:
    """Reduced formula, cations first."""
    small, _ = reduced(counts)
    return "".join(
        f"{SYMBOLS[number - 1]}{count if count > 1 else ''}" for number, count in sorted(small.items(), key=_first)
    )


def _first(item: tuple[int, int]) -> int:
    return order(item[0])


def system(numbers: Mapping[int, int] | tuple[int, ...]) -> str:
    """Chemical system, elements in alphabetical order."""
    return "-".join(sorted(SYMBOLS[number - 1] for number in numbers))
