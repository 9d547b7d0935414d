"""Velocity statistics of particles: momentum power and mean pairwise velocity."""

from __future__ import annotations

import numpy as np
import torch

from .haloes import positions
from .painting import cloud_in_cell
from .spectra import power


def momentum_power(displacement: np.ndarray, velocity: np.ndarray, size: int, box_size: float) -> np.ndarray:
    """Power in shells (see `spectra.shells`) of the momentum density (1 + delta) v, summed over its components.

    In (km/s)^2 (Mpc/h)^3 for velocities in km/s.
    """
    moved = torch.as_tensor(np.asarray(displacement, np.float32))
    total = np.zeros(size // 2)
    for axis in range(3):
        weight = torch.as_tensor(np.ascontiguousarray(velocity[..., axis], np.float32))
        total += power(cloud_in_cell(moved, size, box_size, weight).numpy(), box_size)
    return total


def pairwise_velocity(
    displacement: np.ndarray, velocity: np.ndarray, box_size: float, edges: np.ndarray, sample: int = 1500
) -> np.ndarray:
    """Mean of (v2 - v1) along the separation, in bins of separation, from evenly chosen particles to all others.

    Parameters
    ----------
    displacement, velocity : (n, n, n, 3) arrays
    edges : array
        Of separation in Mpc/h, ascending.
    sample : int
        About how many particles the pairs start from.
    """
    from scipy.spatial import KDTree

    points, v = positions(displacement, box_size), velocity.reshape(-1, 3).astype(float)
    chosen = np.arange(0, len(points), max(1, len(points) // sample) | 1)
    tree, start = KDTree(points, boxsize=box_size), KDTree(points[chosen], boxsize=box_size)
    total, count = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for i, others in zip(chosen, start.query_ball_tree(tree, edges[-1]), strict=True):
        apart = points[others] - points[i]
        apart -= box_size * np.round(apart / box_size)
        distance = np.linalg.norm(apart, axis=1)
        near = distance > edges[0]
        along = ((v[others] - v[i])[near] * apart[near]).sum(1) / distance[near]
        where = np.searchsorted(edges, distance[near], side="right") - 1
        good = (where >= 0) & (where < len(edges) - 1)
        total += np.bincount(where[good], along[good], len(edges) - 1)
        count += np.bincount(where[good], minlength=len(edges) - 1)
    return total / np.maximum(count, 1)
