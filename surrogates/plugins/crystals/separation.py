"""Atoms of a crystal that is written, moved apart where they are near and away from where they overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...physics.crystals.distances import pair_ratios
from ...physics.crystals.overlaps import CLOSEST, COMFORTABLE, apart
from ...physics.crystals.standard import Standard

RESTARTS = 6
"""Descents of a crystal whose atoms overlap, each from other coordinates."""
SWOLLEN = 1.25
"""Growth of the volume beyond which a crystal is drawn again."""
TOLERANCES = (0.01, 0.1)
"""Of symmetry [angstrom]."""

_GOLDEN = np.array([0.8191725134, 0.6710436067, 0.5497004779])
"""Steps of an evenly spread sequence in three dimensions: powers of the inverse of the root of x^4 = x + 1."""


def separated(crystal: Standard, restarts: int = RESTARTS) -> Standard:
    """The crystal with atoms moved apart where they are near, and away from where they overlap.

    Free coordinates first, in the cell as it was drawn. Where atoms still overlap, the cell grows with them; where that
    does not help, the orbits start again from other coordinates; and what is left too near a larger cell puts right.
    """
    nearest = _nearest(crystal)
    if nearest >= COMFORTABLE:
        return crystal
    best = max((crystal, _descended(crystal, COMFORTABLE, grow=False)), key=_nearest)
    for turn in range(restarts):
        if (nearest := _nearest(best)) >= CLOSEST:
            return best
        start = replace(crystal, free=_elsewhere(crystal, turn)) if turn else best
        best = max((best, _descended(start, CLOSEST)), key=_nearest)
    if (nearest := _nearest(best)) >= CLOSEST or nearest < 1e-3:
        return best
    swollen = best.parameters.copy()
    swollen[:3] *= CLOSEST * (1.0 + 1e-9) / nearest
    return replace(best, parameters=swollen)


def fault(after: Standard, before: Standard) -> float:
    """What is wrong with a crystal whose atoms were moved apart, 0 for a sound one; a larger number is worse.

    Unsound is one whose cell grew by more than `SWOLLEN`, or in which moyopy finds another space group than it was
    written in, at either of two tolerances; where moyopy is not installed, volumes alone count.
    """
    grown = float(np.linalg.det(after.vectors) / np.linalg.det(before.vectors))
    if _nearest(after) < CLOSEST * (1.0 - 1e-6):
        return 1e6
    return (grown if grown > SWOLLEN else 0.0) + (1.0 if regrouped(after) else 0.0)


def regrouped(crystal: Standard) -> bool:
    """Whether moyopy finds another space group at one of `TOLERANCES`."""
    try:
        import moyopy
    except ImportError:
        return False
    points, numbers, _ = crystal.sites()
    cell = moyopy.Cell(crystal.vectors.tolist(), points.tolist(), numbers.tolist())
    try:
        return any(moyopy.MoyoDataset(cell, symprec=size).number != crystal.number for size in TOLERANCES)
    except Exception:  # its errors of structures that it cannot take are of several kinds
        return True


def _elsewhere(crystal: Standard, turn: int) -> np.ndarray:
    """Free coordinates (orbits, 3) moved on, each orbit by another step; what symmetry fixes stays."""
    free = crystal.free.copy()
    for orbit, place in enumerate(crystal.places):
        moves = np.abs(crystal.group.positions[place].rotation).sum(axis=(0, 1)) > 0
        free[orbit] = np.where(moves, (free[orbit] + (turn + 7 * orbit) * _GOLDEN) % 1.0, free[orbit])
    return free


def _descended(crystal: Standard, least: float, *, grow: bool = True) -> Standard:
    parameters, free = apart(crystal, least, grow=grow)
    return replace(crystal, parameters=parameters, free=free)


def _nearest(crystal: Standard) -> float:
    """The nearest pair, in sums of covalent radii."""
    points, numbers, orbit = crystal.sites()
    return float(pair_ratios(crystal.vectors, points, numbers, np.flatnonzero(np.diff(orbit, prepend=-1))).min())
