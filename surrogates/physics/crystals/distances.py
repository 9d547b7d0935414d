"""Distances between atoms of a crystal, self-images included, in a reduced cell; and what surrounds an atom."""

from __future__ import annotations

from itertools import product

import numpy as np

from .elements import ELECTRONEGATIVITY, RADIUS

NEAREST = np.array(list(product((-1, 0, 1), repeat=3)))
"""The 27 images that hold every nearest one in a reduced cell."""
CUTOFF = 5.0
SHELLS = np.linspace(0.5, 1.9, 10)
"""Centres of shells, distances in units of the sum of covalent radii."""
SHELL_FEATURES = 4 * len(SHELLS) + 3


def reduced_cell(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A Minkowski-reduced basis (3, 3) of a lattice, rows, and the whole numbers (3, 3) that make it of the given one.

    Semaev 2001, Lect. Notes Comput. Sci. 2146, 181.
    """
    basis = np.array(vectors, dtype=np.float64)
    change = np.eye(3, dtype=np.int64)
    for _ in range(100):
        places = np.argsort((basis**2).sum(axis=1), kind="stable")
        basis, change = basis[places], change[places]
        gram = basis @ basis.T
        step = round(gram[0, 1] / gram[0, 0])
        if step:
            basis[1] -= step * basis[0]
            change[1] -= step * change[0]
            continue
        best = min(product((-1, 0, 1), repeat=2), key=lambda k: _norm(_third(basis, gram, k)))
        found = _coefficients(basis, gram, best)
        moved = basis[2] - found[0] * basis[0] - found[1] * basis[1]
        if _norm(moved) >= _norm(basis[2]) * (1 - 1e-12):
            break
        change[2] = change[2] - found[0] * change[0] - found[1] * change[1]
        basis[2] = moved
    return basis, change


def _norm(vector: np.ndarray) -> float:
    return float(vector @ vector)


def _coefficients(basis: np.ndarray, gram: np.ndarray, near: tuple[int, ...]) -> np.ndarray:
    solved = np.linalg.solve(gram[:2, :2], gram[:2, 2])
    return np.round(solved).astype(np.int64) + near


def _third(basis: np.ndarray, gram: np.ndarray, near: tuple[int, ...]) -> np.ndarray:
    found = _coefficients(basis, gram, near)
    return basis[2] - found[0] * basis[0] - found[1] * basis[1]


def pair_ratios(vectors: np.ndarray, points: np.ndarray, numbers: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """Smallest distance from each of the atoms `firsts` to each atom or image, in units of the sum of covalent radii.

    Parameters
    ----------
    vectors : ndarray
        (3, 3) rows [angstrom].
    points : ndarray
        (n, 3) fractional.
    numbers : ndarray
        (n,) atomic numbers.
    firsts : ndarray
        (k,) places of atoms, one an orbit.

    Returns
    -------
    ndarray
        (k, n); of an atom with itself, the shortest lattice vector.
    """
    return nearest_distances(vectors, points, firsts) / (
        RADIUS[numbers[firsts] - 1][:, None] + RADIUS[numbers - 1][None]
    )


def nearest_distances(vectors: np.ndarray, points: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """The same distances [angstrom], (k, n)."""
    basis, change = reduced_cell(vectors)
    own = points @ np.linalg.inv(change)
    gap = own[None, :, :] - own[firsts][:, None, :]
    gap -= np.round(gap)
    squared = (((gap[:, :, None, :] + NEAREST) @ basis) ** 2).sum(axis=-1)
    same = np.arange(len(points))[None, :] == firsts[:, None]
    squared[same, len(NEAREST) // 2] = np.inf
    return np.sqrt(squared.min(axis=-1))


def surroundings(vectors: np.ndarray, points: np.ndarray, numbers: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """What stands around the atoms `firsts`, (k, SHELL_FEATURES) float32.

    Sums over neighbours within `CUTOFF` over shells of scaled distance: of 1, of the neighbour's electronegativity less
    the atom's, of its square, and of the neighbour's radius; then the three smallest scaled distances.
    """
    basis, change = reduced_cell(vectors)
    own = points @ np.linalg.inv(change)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(basis), axis=0)
    reach = [range(-int(k), int(k) + 1) for k in np.minimum(np.ceil(CUTOFF / heights), 3)]
    images = np.array(list(product(*reach)))
    gap = own[None, :, :] - own[firsts][:, None, :]
    gap -= np.round(gap)
    found = np.sqrt((((gap[:, :, None, :] + images) @ basis) ** 2).sum(axis=-1))
    size = RADIUS[numbers[firsts] - 1][:, None] + RADIUS[numbers - 1][None]
    pull = ELECTRONEGATIVITY[numbers - 1][None] - ELECTRONEGATIVITY[numbers[firsts] - 1][:, None]
    out = np.zeros((len(firsts), SHELL_FEATURES), dtype=np.float32)
    for k in range(len(firsts)):
        atom, image = np.nonzero((found[k] < CUTOFF) & (found[k] > 1e-3))
        distance = found[k][atom, image]
        fade = 0.5 * (1 + np.cos(np.pi * distance / CUTOFF))
        scaled = distance / size[k][atom]
        bump = np.exp(-0.5 * ((scaled[:, None] - SHELLS) / 0.12) ** 2) * fade[:, None]
        weights = np.stack(
            (np.ones_like(scaled), pull[k][atom], pull[k][atom] ** 2, RADIUS[numbers[atom] - 1] - 1.4), axis=1
        )
        out[k, :-3] = (weights.T @ bump).ravel()
        near = np.sort(scaled)[:3]
        out[k, len(out[k]) - 3 : len(out[k]) - 3 + len(near)] = near
    return out
