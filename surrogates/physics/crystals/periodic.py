"""Distances in batches of cells, in torch: nearest images over 27 cells of a reduced basis, self-images included."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import Tensor

from .distances import NEAREST

PASSES = 60
"""Most steps of a reduction; cells of crystals take fewer than ten."""


def changes_of_basis(vectors: np.ndarray) -> np.ndarray:
    """Whole numbers (n, 3, 3) that make Minkowski-reduced bases of cells (n, 3, 3), rows.

    Niggli's cell is one of a lattice's reduced bases; in all of them the 27 cells around an atom hold its nearest
    images. Semaev 2001, Lect. Notes Comput. Sci. 2146, 181.
    """
    basis = np.array(vectors, dtype=np.float64)
    n = len(basis)
    change = np.tile(np.eye(3, dtype=np.int64), (n, 1, 1))
    running = np.arange(n)
    near = np.array(list(product((-1, 0, 1), repeat=2)))
    for _ in range(PASSES):
        if not len(running):
            break
        b, c = basis[running], change[running]
        places = np.argsort((b**2).sum(-1), axis=1, kind="stable")
        b, c = (np.take_along_axis(part, places[..., None], axis=1) for part in (b, c))
        gram = b @ b.transpose(0, 2, 1)
        step = np.round(gram[:, 0, 1] / gram[:, 0, 0])
        b[:, 1] -= step[:, None] * b[:, 0]
        c[:, 1] -= step[:, None].astype(np.int64) * c[:, 0]
        gram = b @ b.transpose(0, 2, 1)
        solved = np.round(np.linalg.solve(gram[:, :2, :2], gram[:, :2, 2:])[..., 0])
        tried = solved[:, None] + near  # (k, 9, 2)
        moved = b[:, None, 2] - np.einsum("kij,kjx->kix", tried, b[:, :2])
        best = (moved**2).sum(-1).argmin(axis=1)
        at = np.arange(len(running))
        shorter = ((moved[at, best] ** 2).sum(-1) < gram[:, 2, 2] * (1 - 1e-9)) & (step == 0)
        b[shorter, 2] = moved[at, best][shorter]
        taken = tried[at, best].astype(np.int64)
        c[shorter, 2] -= np.einsum("kj,kjx->kx", taken, c[:, :2])[shorter]
        basis[running], change[running] = b, c
        running = running[shorter | (step != 0)]
    return change


def shortest_images(lattice: Tensor, points: Tensor) -> Tensor:
    """Shortest distances (n, k, k) [angstrom] between atoms, minimum image; of an atom with itself the nearest image.

    Differentiable in both; the reduction itself is a constant.

    Parameters
    ----------
    lattice : Tensor
        (n, 3, 3) rows [angstrom].
    points : Tensor
        (n, k, 3) fractional.
    """
    change = torch.from_numpy(changes_of_basis(lattice.detach().double().cpu().numpy())).to(lattice)
    basis = change @ lattice
    own = points @ torch.linalg.inv(change)
    gap = own[:, None] - own[:, :, None]
    gap = gap - gap.detach().round()
    images = torch.from_numpy(NEAREST).to(lattice)
    k = points.shape[1]
    between = gap @ basis[:, None]  # (n, k, k, 3)
    shifts = images @ basis  # (n, 27, 3)
    squared = (between[..., None, :] + shifts[:, None, None]).square().sum(-1)
    middle = torch.zeros(k, k, len(NEAREST), dtype=torch.bool, device=lattice.device)
    middle[range(k), range(k), len(NEAREST) // 2] = True
    return squared.masked_fill(middle, torch.inf).amin(-1).clamp_min(1e-8).sqrt()


def shortfall(distances: Tensor, radii: Tensor, there: Tensor, share: float = 0.75) -> Tensor:
    """By how much pairs are nearer than `share` (r_i + r_j), squared, relative and summed over an atom's pairs; (n,).

    Parameters
    ----------
    distances : Tensor
        (n, k, k) [angstrom].
    radii : Tensor
        (n, k) covalent radii [angstrom].
    there : Tensor
        (n, k) 1 for atoms and 0 for padding.
    """
    least = share * (radii[:, :, None] + radii[:, None])
    pairs = there[:, :, None] * there[:, None]
    short = torch.relu(1.0 - distances / least.clamp_min(0.1)).square() * pairs
    return short.sum((1, 2)) / there.sum(1).clamp_min(1.0)
