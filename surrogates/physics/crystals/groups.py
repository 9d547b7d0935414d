"""Space groups in their standard setting: operations, Wyckoff positions, and the normaliser's changes of origin.

The standard setting is that of the International Tables for Crystallography, Volume A: unique axis b with cell choice
1, hexagonal axes for rhombohedral groups, origin choice 2. The tables were made by scripts/package_crystals.py from
PyXtal's (MIT); positions are affine maps ``x = R p + t / 24`` of free parameters p.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

TABLES = Path(__file__).with_name("groups.npz")
STEPS = 24
"""Translations are whole multiples of 1/24."""
LETTERS = "abcdefghijklmnopqrstuvwxyzA"
SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
_LAST = (2, 15, 74, 142, 167, 194, 230)


@dataclass(frozen=True)
class Position:
    """A Wyckoff position.

    Attributes
    ----------
    letter : str
    rotation : ndarray
        (multiplicity, 3, 3) int64: how each of its points depends on the free parameters.
    shift : ndarray
        (multiplicity, 3) float64, fractional.
    free : tuple of int
        Columns of the free parameters.
    """

    letter: str
    rotation: np.ndarray
    shift: np.ndarray
    free: tuple[int, ...]

    @property
    def multiplicity(self) -> int:
        """Points in the conventional cell."""
        return len(self.shift)

    def points(self, free: np.ndarray) -> np.ndarray:
        """Fractional coordinates (..., multiplicity, 3) at free parameters (..., 3), unused ones ignored."""
        return np.einsum("mij,...j->...mi", self.rotation, free) + self.shift


@dataclass(frozen=True)
class Group:
    """A space group.

    Attributes
    ----------
    number : int
        Of the International Tables, 1 to 230.
    symbol : str
        Hermann-Mauguin, short.
    positions : tuple of Position
        In the order of their letters, the general position last.
    normaliser : (ndarray, ndarray)
        Rotations (k, 3, 3) int64 and shifts (k, 3): changes of origin and axes, one a coset, that keep the group's
        operations and handedness; the identity is first.
    """

    number: int
    symbol: str
    positions: tuple[Position, ...]
    normaliser: tuple[np.ndarray, np.ndarray]

    @property
    def system(self) -> str:
        """Crystal system."""
        return SYSTEMS[int(np.searchsorted(_LAST, self.number))]

    @property
    def rotations(self) -> np.ndarray:
        """(operations, 3, 3) int64."""
        return self.positions[-1].rotation

    @property
    def shifts(self) -> np.ndarray:
        """(operations, 3) float64."""
        return self.positions[-1].shift

    @cached_property
    def centrings(self) -> np.ndarray:
        """(k, 3) lattice points of the conventional cell."""
        return self.shifts[(self.rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2))]

    @property
    def cells(self) -> int:
        """Primitive cells in the conventional one."""
        return len(self.centrings)

    @cached_property
    def special(self) -> tuple[int, ...]:
        """Places of the positions without free parameters, each of which holds one orbit at most."""
        return tuple(place for place, position in enumerate(self.positions) if not position.free)

    @cached_property
    def multiplicities(self) -> tuple[int, ...]:
        """Atoms that an orbit of each position puts into the primitive cell."""
        return tuple(position.multiplicity // self.cells for position in self.positions)

    def place(self, letter: str) -> int:
        """Place of a letter among the positions."""
        return LETTERS.index(letter)


@cache
def _tables() -> dict[str, np.ndarray]:
    with np.load(TABLES) as file:
        return {name: file[name] for name in file.files}


@cache
def group(number: int) -> Group:
    """The space group of an International Tables number."""
    if not 1 <= number <= 230:
        raise ValueError(f"space group: {number}; expected 1 to 230")
    tables = _tables()
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(tables["multiplicity"].astype(np.int64))))
    rows = np.flatnonzero(tables["group"] == number)
    positions = []
    for letter, row in zip(LETTERS, rows, strict=False):
        rotation = tables["rotation"][starts[row] : starts[row + 1]].astype(np.int64)
        shift = tables["shift"][starts[row] : starts[row + 1]] / STEPS
        free = tuple(int(column) for column in np.flatnonzero(rotation[0].any(axis=0)))
        positions.append(Position(letter, rotation, shift, free))
    mine = tables["normaliser_group"] == number
    normaliser = tables["normaliser_rotation"][mine].astype(np.int64), tables["normaliser_shift"][mine] / STEPS
    return Group(number, str(tables["symbol"][number - 1]), tuple(positions), normaliser)


@cache
def symbols() -> tuple[str, ...]:
    """Short Hermann-Mauguin symbols of all groups, in the order of their numbers."""
    return tuple(str(symbol) for symbol in _tables()["symbol"])


@cache
def _numbers() -> dict[str, int]:
    tables = _tables()
    known = {_plain(str(symbol)): number for number, symbol in enumerate(tables["symbol"], 1)}
    for number, names in enumerate(tables["settings"], 1):
        for name in str(names).split(";"):
            known.setdefault(_plain(name), number)
            words = name.split()
            if len(words) == 4 and words.count("1") == 2:
                known.setdefault(_plain("".join(word for word in words if word != "1")), number)
    return known


def _plain(symbol: str) -> str:
    """A symbol without what people write in several ways: blanks, underscores, settings."""
    return symbol.split(":")[0].replace("_", "").replace(" ", "").replace("{", "").replace("}", "").lower()


def number_of(text: str) -> int:
    """International Tables number of a number or a Hermann-Mauguin symbol in any setting; 0 where there is none."""
    text = text.strip()
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 230 else 0
    return _numbers().get(_plain(text), 0)


# Points and letters ------------------------------------------------------------------------------------------------


def parameters(position: Position, points: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """Free parameters (n, 3) in [0, 1) that put the position's first point on `points` (n, 3); NaN where none do."""
    rotation, shift = position.rotation[0], position.shift[0]
    gap = points - shift
    found = np.zeros((len(points), 3))
    for column in position.free:
        alone = (np.abs(rotation).sum(axis=1) == 1) & (rotation[:, column] != 0)
        row = int(np.flatnonzero(alone)[0])
        found[:, column] = gap[:, row] * rotation[row, column]
    found = (found + 1e-6) % 1.0 - 1e-6
    left = found @ rotation.T - gap
    found[np.abs(left - np.round(left)).max(axis=1) > tolerance] = np.nan
    return found


def least_parameters(position: Position, points: np.ndarray) -> np.ndarray:
    """The least free parameters (3,), in dictionary order, that give an orbit of which `points` (n, 3) are members."""
    found = parameters(position, points)
    found = found[~np.isnan(found[:, 0])]
    if not len(found):
        raise ValueError(f"no point lies on Wyckoff position {position.letter}")
    return np.maximum(found[np.lexsort(np.round(found, 4).T[::-1])[0]], 0.0)


@cache
def letter_changes(number: int) -> np.ndarray:
    """(k, positions) int64: where each normaliser operation brings the positions of a group."""
    tables, here = _tables(), group(number)
    if "normaliser_place" in tables:
        return tables["normaliser_place"][tables["normaliser_group"] == number][:, : len(here.positions)].astype(int)
    return found_letter_changes(number)


def found_letter_changes(number: int) -> np.ndarray:
    """The same, found by where the points of each position come to lie."""
    here = group(number)
    generic = np.array([0.1371, 0.2213, 0.3719])
    rotations, shifts = here.normaliser
    moved = np.zeros((len(rotations), len(here.positions)), dtype=np.int64)
    for k, (rotation, shift) in enumerate(zip(rotations, shifts, strict=True)):
        for place, position in enumerate(here.positions):
            points = position.points(generic) @ rotation.T + shift
            moved[k, place] = next(
                other
                for other, candidate in enumerate(here.positions)
                if candidate.multiplicity == position.multiplicity
                and len(candidate.free) == len(position.free)
                and not np.isnan(parameters(candidate, points, 1e-6)).all()
            )
    return moved
