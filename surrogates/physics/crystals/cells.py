"""Cells: the conventional cell's free parameters, lattice vectors, and what symmetry leaves of them."""

from __future__ import annotations

import numpy as np

FREE = {
    "triclinic": ("volume", "b/a", "c/a", "alpha", "beta", "gamma"),
    "monoclinic": ("volume", "b/a", "c/a", "beta"),
    "orthorhombic": ("volume", "b/a", "c/a"),
    "tetragonal": ("volume", "c/a"),
    "trigonal": ("volume", "c/a"),
    "hexagonal": ("volume", "c/a"),
    "cubic": ("volume",),
}
"""What symmetry leaves free, by crystal system: rhombohedral lattices have hexagonal axes."""
NAMES = FREE["triclinic"]


def lattice(parameters: np.ndarray) -> np.ndarray:
    """Right-handed lattice vectors as rows (..., 3, 3) [angstrom] of a, b, c [angstrom], alpha, beta, gamma [degree].

    a lies along x, b in the xy plane.
    """
    a, b, c = (parameters[..., k] for k in range(3))
    alpha, beta, gamma = (np.radians(parameters[..., k]) for k in range(3, 6))
    ca, cb, cg = (_cosine(angle) for angle in (alpha, beta, gamma))
    sg = np.sqrt(1 - cg**2)
    x, y = cb, (ca - cb * cg) / sg
    z = np.sqrt(np.maximum(1 - x**2 - y**2, 0.0))
    zero = np.zeros_like(a)
    rows = [[a, zero, zero], [b * cg, b * sg, zero], [c * x, c * y, c * z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _cosine(angle: np.ndarray) -> np.ndarray:
    """The cosine, exact at right angles and 120 degrees."""
    found = np.cos(angle)
    for exact in (0.0, -0.5):
        found = np.where(np.abs(found - exact) < 1e-12, exact, found)
    return found


def lengths_and_angles(vectors: np.ndarray) -> np.ndarray:
    """a, b, c [angstrom], alpha, beta, gamma [degree] (..., 6) of lattice vectors as rows."""
    lengths = np.linalg.norm(vectors, axis=-1)
    unit = vectors / lengths[..., None]
    cosines = [np.sum(unit[..., i, :] * unit[..., j, :], axis=-1) for i, j in ((1, 2), (0, 2), (0, 1))]
    return np.concatenate((lengths, np.degrees(np.arccos(np.clip(np.stack(cosines, axis=-1), -1, 1)))), axis=-1)


def to_free(parameters: np.ndarray, system: str, atoms: np.ndarray | int) -> np.ndarray:
    """Free parameters (..., 6) in the order of `NAMES`, 0 where not free.

    Volume as log(angstrom3 an atom), ratios as logarithms, angles as cosines.
    """
    a, b, c = (parameters[..., k] for k in range(3))
    cosines = [_cosine(np.radians(parameters[..., k])) for k in range(3, 6)]
    volume = np.abs(np.linalg.det(lattice(parameters)))
    values = dict(zip(NAMES, (np.log(volume / atoms), np.log(b / a), np.log(c / a), *cosines), strict=True))
    zero = np.zeros_like(a)
    return np.stack([values[name] if name in FREE[system] else zero for name in NAMES], axis=-1)


def from_free(free: np.ndarray, system: str, atoms: np.ndarray | int) -> np.ndarray:
    """a, b, c, alpha, beta, gamma (..., 6) of what `to_free` gives, as the crystal system has them."""
    values = {name: free[..., k] for k, name in enumerate(NAMES)}
    one = np.zeros_like(values["volume"])
    b, c = np.exp(values["b/a"]), np.exp(values["c/a"])
    if system in ("tetragonal", "trigonal", "hexagonal", "cubic"):
        b = one + 1.0
    if system == "cubic":
        c = one + 1.0
    cosines = [values[name] if name in FREE[system] else one for name in NAMES[3:]]
    if system in ("trigonal", "hexagonal"):
        cosines[2] = one - 0.5
    angles = [np.degrees(np.arccos(cosine)) for cosine in cosines]
    shape = np.stack((one + 1.0, b, c, *angles), axis=-1)
    size = np.cbrt(np.exp(values["volume"]) * atoms / np.linalg.det(lattice(shape)))
    return np.concatenate((shape[..., :3] * size[..., None], shape[..., 3:]), axis=-1)
