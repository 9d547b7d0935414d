"""A crystal as a sequence: group, number of atoms, orbits (element, Wyckoff letter), free cell, free coordinates.

Every step has a kind, a token or a number, and a description of what is asked next; both training and sampling make
them here, so that they cannot differ.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ...physics.crystals.cells import FREE, NAMES, to_free
from ...physics.crystals.elements import MOST, order
from ...physics.crystals.feasible import MOST_ATOMS
from ...physics.crystals.groups import group
from ...physics.crystals.standard import Standard
from .variables import ORBITS

START = 0
GROUPS = 1
ATOMS = GROUPS + 230
ELEMENTS = ATOMS + MOST_ATOMS
LETTERS = ELEMENTS + MOST
VALUE = LETTERS + 27
TOKENS = VALUE + 1
"""First token of each kind: group numbers, atoms of the primitive cell, elements, letters; then what marks a number."""

GROUP, COUNT, ELEMENT, LETTER, CELL, COORDINATE = range(6)
KINDS = 6
NUMBERS = 6 + 3
"""Numbers that may be asked: the cell's six, then three coordinates."""
POSITION = 9 + 6 + 3 + 2
QUERY = KINDS + NUMBERS + MOST + POSITION + 2
"""Length of what describes a step: its kind, which number, which element, which Wyckoff position, atoms left."""
LONGEST = 2 + 2 * ORBITS + 6 + 3 * ORBITS


@cache
def position_features(number: int) -> np.ndarray:
    """(27, POSITION) float32 of a group's Wyckoff positions: first map, multiplicity, freedom; 0 where none is."""
    here = group(number)
    found = np.zeros((27, POSITION), dtype=np.float32)
    for place, position in enumerate(here.positions):
        angle = 2 * np.pi * position.shift[0]
        free = [float(column in position.free) for column in range(3)]
        many = np.log(here.multiplicities[place])
        found[place] = [*position.rotation[0].ravel(), *np.cos(angle), *np.sin(angle), *free, many, 1.0]
    return found


@cache
def all_position_features() -> np.ndarray:
    """(231, 27, POSITION) float32, row 0 empty."""
    return np.stack([np.zeros((27, POSITION), dtype=np.float32), *(position_features(n) for n in range(1, 231))])


def cell_steps(number: int) -> tuple[int, ...]:
    """Which of the cell's six parameters are free."""
    return tuple(k for k, name in enumerate(NAMES) if name in FREE[group(number).system])


def polar_axes(number: int) -> tuple[int, ...]:
    """Axes along which a group leaves the origin free."""
    rotations = group(number).rotations
    return tuple(k for k in range(3) if (rotations[:, :, k] == np.eye(3, dtype=np.int64)[k]).all())


def coordinate_steps(number: int, places: list[int]) -> list[tuple[int, int]]:
    """(orbit, axis) of the coordinates that are written; the first orbit's along polar axes are the origin, 0."""
    polar = polar_axes(number)
    positions = group(number).positions
    return [
        (orbit, axis)
        for orbit, place in enumerate(places)
        for axis in positions[place].free
        if not (orbit == 0 and axis in polar)
    ]


def step(kind: int, number: int = -1, element: int = 0, place: int = -1, left: int = 0) -> tuple[int, ...]:
    """What a step is: its kind, which number, of which element and Wyckoff place, and how many atoms are left."""
    return kind, number, element, place, left


NO_STEP = step(-1)


def sequence(crystal: Standard) -> tuple[list[int], list[float], list[tuple[int, ...]]]:
    """Tokens, numbers (0 for tokens) and steps of a crystal."""
    here = crystal.group
    atoms = crystal.atoms
    tokens, values = [GROUPS + crystal.number - 1, ATOMS + atoms - 1], [0.0, 0.0]
    steps = [step(GROUP), step(COUNT)]
    left = atoms
    for element, place in zip(crystal.elements, crystal.places, strict=True):
        steps += [step(ELEMENT, left=left), step(LETTER, element=element, left=left)]
        tokens += [ELEMENTS + element - 1, LETTERS + place]
        values += [0.0, 0.0]
        left -= here.multiplicities[place]
    free = to_free(crystal.parameters, here.system, atoms * here.cells)
    for k in cell_steps(crystal.number):
        steps.append(step(CELL, k))
        tokens.append(VALUE)
        values.append(float(free[k]))
    for orbit, axis in coordinate_steps(crystal.number, list(crystal.places)):
        steps.append(step(COORDINATE, 6 + axis, crystal.elements[orbit], crystal.places[orbit]))
        tokens.append(VALUE)
        values.append(float(crystal.free[orbit][axis]))
    return tokens, values, steps


ORDER = np.array([0, *(order(number) for number in range(1, MOST + 1))])
"""Place of each atomic number in the order in which elements are written."""
