"""From any structure to its space group, Wyckoff positions and free parameters, in one canonical description.

Wyckoff letters change with the choice of origin and axes; of all descriptions that the group's normaliser allows the
one with the least letters is taken, then that with the least parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .cells import lattice, lengths_and_angles
from .elements import MOST, order
from .groups import Group, group, least_parameters, letter_changes, parameters


class StandardError(ValueError):
    """A structure whose symmetry cannot be told."""


@dataclass(frozen=True)
class Standard:
    """A crystal by symmetry.

    Attributes
    ----------
    number : int
        Of the International Tables.
    parameters : ndarray
        (6,) a, b, c [angstrom], alpha, beta, gamma [degree] of the conventional cell.
    elements, places : tuple of int
        Atomic number, and place among the group's Wyckoff positions, of each orbit: by electronegativity, then letter.
    free : ndarray
        (orbits, 3) free parameters in [0, 1), 0 where there are none.
    """

    number: int
    parameters: np.ndarray
    elements: tuple[int, ...]
    places: tuple[int, ...]
    free: np.ndarray

    @property
    def group(self) -> Group:
        """The space group."""
        return group(self.number)

    @property
    def atoms(self) -> int:
        """In the primitive cell."""
        return sum(self.group.multiplicities[place] for place in self.places)

    @property
    def vectors(self) -> np.ndarray:
        """(3, 3) lattice vectors of the conventional cell, rows [angstrom]."""
        return lattice(self.parameters)

    def sites(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fractional positions (n, 3) in [0, 1), atomic numbers and orbits (n,) of the conventional cell's atoms."""
        points = [self.group.positions[place].points(free) for place, free in zip(self.places, self.free, strict=True)]
        counts = [len(part) for part in points]
        whole = np.concatenate(points)
        whole = whole - np.floor(whole)
        whole[whole >= 1.0] = 0.0
        return whole, np.repeat(self.elements, counts), np.repeat(np.arange(len(counts)), counts)


def standardised(vectors: np.ndarray, positions: np.ndarray, numbers: Any, tolerance: float = 0.1) -> Standard:
    """The canonical description of a structure, symmetrised within `tolerance` [angstrom]; needs moyopy.

    Parameters
    ----------
    vectors : ndarray
        (3, 3) lattice vectors as rows [angstrom].
    positions : ndarray
        (n, 3) fractional.
    numbers : sequence of int
        Atomic numbers.
    tolerance : float

    Raises
    ------
    StandardError
        An element beyond plutonium, atoms on one another, or no group that the tables reproduce.
    """
    import moyopy

    if max(numbers) > MOST:
        raise StandardError("element beyond Pu")
    cell = moyopy.Cell(np.asarray(vectors).tolist(), np.asarray(positions).tolist(), [int(n) for n in numbers])
    try:
        found = moyopy.MoyoDataset(cell, symprec=tolerance, setting=moyopy.Setting.standard())
    except Exception as error:
        raise StandardError(f"no symmetry: {error}") from None
    here, own = group(found.number), found.std_cell
    basis, points = np.array(own.basis), np.array(own.positions)
    kinds = np.array(own.numbers)
    orbits = _orbits(here, points, kinds)
    best, chosen = None, None
    rotations, shifts = here.normaliser
    changes = letter_changes(found.number)
    placed = [_place(here, points[members]) for members in orbits]
    ranks = [order(int(kinds[members[0]])) for members in orbits]
    letters = [tuple(sorted(zip(ranks, changes[k][placed].tolist(), strict=True))) for k in range(len(changes))]
    least = min(letters)
    for k in [k for k, found_letters in enumerate(letters) if found_letters == least][:32]:
        moved = points @ rotations[k].T + shifts[k]
        cellwise = basis.T @ np.linalg.inv(rotations[k])
        lengths = lengths_and_angles(cellwise.T)
        places = changes[k][placed]
        free = _described(here, moved, orbits, places, ranks)
        sequence = sorted(range(len(orbits)), key=lambda i: (ranks[i], places[i], tuple(np.round(free[i], 3))))
        skew = round(float(np.abs(lengths[3:] - 90.0).max()), 1) if here.number <= 15 else 0.0
        key = (skew, *[tuple(np.round(free[i], 3)) for i in sequence])
        if best is None or key < best:
            best = key
            chosen = (
                _as_the_system(lengths, here.system),
                tuple(int(kinds[orbits[i][0]]) for i in sequence),
                tuple(int(places[i]) for i in sequence),
                np.array([free[i] for i in sequence]),
            )
    assert chosen is not None
    made = Standard(here.number, *chosen)
    if len(made.sites()[0]) != len(points):
        raise StandardError("atoms on one another")
    return made


def as_given(vectors: np.ndarray, positions: np.ndarray, numbers: Any, number: int) -> Standard:
    """A structure that is already in the conventional setting of a group, in its own cell and with its own origin.

    Parameters
    ----------
    vectors, positions, numbers
        As of `standardised`.
    number : int
        Of the group.

    Raises
    ------
    StandardError
        The group's operations, as the tables give them, do not map the structure onto itself.
    """
    here, vectors = group(number), np.asarray(vectors, dtype=float)
    points, kinds = np.asarray(positions, dtype=float), np.asarray(numbers)
    lengths = lengths_and_angles(vectors)
    own = _as_the_system(lengths, here.system)
    if np.linalg.det(vectors) <= 0 or np.abs(own / lengths - 1.0).max() > 1e-4:
        raise StandardError("another cell")
    orbits = _orbits(here, points, kinds)
    places = tuple(_place(here, points[members]) for members in orbits)
    elements = tuple(int(kinds[members[0]]) for members in orbits)
    free = np.zeros((len(orbits), 3))
    for row, (place, members) in enumerate(zip(places, orbits, strict=True)):
        free[row] = _least(here, place, points[members])
    return _ordered(Standard(number, own, elements, places, free))


def tidied(crystal: Standard) -> Standard:
    """The same crystal in the same cell, with the least free parameters of each orbit, orbits in their order."""
    here = crystal.group
    free = crystal.free.copy()
    for row, place in enumerate(crystal.places):
        free[row] = _least(here, place, here.positions[place].points(crystal.free[row]))
    return _ordered(Standard(crystal.number, crystal.parameters, crystal.elements, crystal.places, free))


def _least(here: Group, place: int, points: np.ndarray) -> np.ndarray:
    try:
        return least_parameters(here.positions[place], points)
    except ValueError as error:
        raise StandardError(str(error)) from None


def _ordered(crystal: Standard) -> Standard:
    """Orbits by electronegativity, then letter, then free parameters."""
    rows = zip(crystal.elements, crystal.places, crystal.free, strict=True)
    keys = [(order(element), place, tuple(np.round(free, 3))) for element, place, free in rows]
    sequence = sorted(range(len(keys)), key=keys.__getitem__)
    return Standard(
        crystal.number,
        crystal.parameters,
        tuple(crystal.elements[i] for i in sequence),
        tuple(crystal.places[i] for i in sequence),
        crystal.free[sequence],
    )


def _orbits(here: Group, points: np.ndarray, kinds: np.ndarray) -> list[np.ndarray]:
    left = np.ones(len(points), dtype=bool)
    orbits = []
    while left.any():
        first = int(np.flatnonzero(left)[0])
        images = here.rotations @ points[first] + here.shifts
        gap = points[None, :, :] - images[:, None, :]
        same = (np.abs(gap - np.round(gap)).max(axis=-1) < 2e-3) & (kinds == kinds[first])
        members = np.flatnonzero(same.any(axis=0))
        if not same.any(axis=1).all() or not left[members].all() or first not in members:
            raise StandardError("orbits not closed")
        left[members] = False
        orbits.append(members)
    return orbits


def _place(here: Group, points: np.ndarray) -> int:
    for place, position in enumerate(here.positions):
        if position.multiplicity == len(points) and not np.isnan(parameters(position, points)).all():
            return place
    raise StandardError("no Wyckoff position")


def _described(
    here: Group, points: np.ndarray, orbits: list[np.ndarray], places: np.ndarray, ranks: list[int]
) -> list[np.ndarray]:
    """Free parameters of each orbit; where the group leaves the origin free along an axis, the first orbit is at 0."""
    polar = [k for k in range(3) if (here.rotations[:, :, k] == np.eye(3, dtype=np.int64)[k]).all()]
    if polar:
        first = min(range(len(orbits)), key=lambda i: (ranks[i], places[i]))
        origin = np.zeros(3)
        origin[polar] = points[orbits[first][0]][polar]
        points = points - origin
    return [_least(here, place, points[members]) for place, members in zip(places, orbits, strict=True)]


def _as_the_system(parameters: np.ndarray, system: str) -> np.ndarray:
    """Cell parameters with what the crystal system fixes."""
    a, b, c, alpha, beta, gamma = parameters
    if system == "cubic":
        a = b = c = np.cbrt(a * b * c)
    elif system in ("tetragonal", "trigonal", "hexagonal"):
        a = b = np.sqrt(a * b)
    if system != "triclinic":
        alpha, gamma = 90.0, 120.0 if system in ("trigonal", "hexagonal") else 90.0
        beta = beta if system == "monoclinic" else 90.0
    return np.array([a, b, c, alpha, beta, gamma])
