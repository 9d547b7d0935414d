"""Friends-of-friends haloes of particles in a periodic box (Davis et al. 1985, ApJ 292, 371)."""

from __future__ import annotations

import numpy as np

from .background import Cosmology

CRITICAL_DENSITY = 2.77536627e11
"""3 H0^2 / (8 pi G) in h^2 Msun / Mpc^3."""


def positions(displacement: np.ndarray, box_size: float) -> np.ndarray:
    """Positions (n^3, 3) in [0, L) Mpc/h of lattice particles displaced by (n, n, n, 3) Mpc/h, float64."""
    n = displacement.shape[0]
    lattice = (np.arange(n) + 0.5) * box_size / n
    grid = np.stack(np.meshgrid(lattice, lattice, lattice, indexing="ij"), axis=-1)
    wrapped = np.mod(grid + displacement, box_size).reshape(-1, 3)
    return np.where(wrapped >= box_size, 0.0, wrapped)


def halo_sizes(displacement: np.ndarray, box_size: float, linking_length: float = 0.2, least: int = 20) -> np.ndarray:
    """Numbers of particles of the haloes with at least `least`, descending.

    Parameters
    ----------
    displacement : (n, n, n, 3) array
        Mpc/h.
    linking_length : float
        In mean particle spacings.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    points = positions(displacement, box_size)
    tree = KDTree(points, boxsize=box_size)
    pairs = tree.query_pairs(linking_length * box_size / displacement.shape[0], output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    _, labels = connected_components(graph, directed=False)
    sizes = np.bincount(labels)
    return np.sort(sizes[sizes >= least])[::-1]


def particle_mass(box_size: float, particles: int, cosmology: Cosmology) -> float:
    """Mass of one of `particles` a side, in Msun/h."""
    return CRITICAL_DENSITY * cosmology.omega_m * (box_size / particles) ** 3
