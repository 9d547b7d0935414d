"""Overlap descent: atoms moved apart in the free parameters alone, so that symmetry stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cells import from_free, lattice, to_free
from .distances import NEAREST, reduced_cell
from .elements import RADIUS

if TYPE_CHECKING:
    from .standard import Standard

CLOSEST = 0.6
"""Smallest distance in units of the sum of covalent radii; of real structures 0.1 % come nearer."""
COMFORTABLE = 0.8
"""The same that coordinates alone aim at: of real structures a tenth come nearer."""
STEPS, SHORT = 120, 30
"""Of the descent, with and without a volume that grows."""
GROWTH = float(np.exp(0.04 / 3))


def apart(crystal: Standard, least: float = CLOSEST, *, grow: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Cell parameters (6,) and free parameters (orbits, 3) with no pair nearer than `least`, or as far as it goes.

    Gradient descent of the squared shortfall in free coordinates; what coordinates cannot mend the volume does.

    Parameters
    ----------
    crystal : Standard
    least : float
        In units of the sum of covalent radii.
    grow : bool
        Whether the volume may grow, by up to exp(0.8).
    """
    here = crystal.group
    free = crystal.free.copy()
    parameters = crystal.parameters.copy()
    atoms = crystal.atoms * here.cells
    cell = to_free(parameters, here.system, atoms)
    counts = [here.positions[place].multiplicity for place in crystal.places]
    orbit = np.repeat(np.arange(len(counts)), counts)
    firsts = np.flatnonzero(np.diff(orbit, prepend=-1))
    maps = np.concatenate([here.positions[place].rotation for place in crystal.places]).astype(float)
    shifts = np.concatenate([here.positions[place].shift for place in crystal.places])
    size = RADIUS[np.array(crystal.elements) - 1]
    radii = size[orbit]
    aim = least * 1.02
    vectors = lattice(from_free(cell, here.system, atoms))
    basis, change = reduced_cell(vectors)
    inverse = np.linalg.inv(change)
    for turn in range(STEPS if grow else SHORT):
        points = np.einsum("nij,nj->ni", maps, free[orbit]) + shifts
        own = points @ inverse
        gap = own[None] - own[firsts][:, None]
        gap -= np.round(gap)
        between = (gap[:, :, None] + NEAREST) @ basis
        distance = np.linalg.norm(between, axis=-1)
        distance[firsts[:, None] == np.arange(len(points))[None], len(NEAREST) // 2] = np.inf
        ratio = distance / (radii[firsts][:, None] + radii[None])[..., None]
        short = np.maximum(aim - ratio, 0.0)
        if ratio.min() >= least * 1.001:
            break
        if grow and turn % 6 == 5:
            cell[0] += 0.04
            vectors, basis = vectors * GROWTH, basis * GROWTH
        i, j, image = np.nonzero(short)
        vector = between[i, j, image] + 1e-6
        push = (short[i, j, image] / np.maximum(distance[i, j, image], 0.05))[:, None] * vector
        force = push @ np.linalg.inv(vectors) * (size[i] + radii[j])[:, None]
        move = np.zeros_like(free)
        np.add.at(move, orbit[j], np.einsum("nij,ni->nj", maps[j], force))
        np.add.at(move, i, -np.einsum("nij,ni->nj", maps[firsts[i]], force))
        free = free + 0.25 * np.clip(move, -0.2, 0.2)
    return from_free(cell, here.system, atoms), free % 1.0
