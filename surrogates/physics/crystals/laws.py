"""Laws of crystals as residuals: 0 where the law holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .distances import NEAREST, reduced_cell
from .elements import RADIUS
from .groups import group
from .overlaps import CLOSEST

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def symmetry(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest distance [angstrom] of an atom's image under its group's operations from the nearest like atom, (n,)."""
    import torch

    del conditions
    worst = []
    for row, number in enumerate(outputs["group_number"].tolist()):
        count, here = int(outputs["n_sites"][row]), group(number)
        points = outputs["position"][row, :count].double()
        kinds, lattice = outputs["atomic_number"][row, :count], outputs["lattice"][row].double()
        orbit = outputs["orbit"][row, :count]
        firsts = torch.ones_like(orbit, dtype=torch.bool)
        firsts[1:] = orbit[1:] != orbit[:-1]
        rotations, shifts = torch.from_numpy(here.rotations).double(), torch.from_numpy(here.shifts)
        images = torch.einsum("oij,nj->noi", rotations, points[firsts]) + shifts
        gap = images[:, :, None] - points
        gap = gap - gap.detach().round()
        far = torch.linalg.vector_norm(gap @ lattice, dim=-1)
        other = (kinds[firsts][:, None] != kinds[None])[:, None]
        worst.append(far.masked_fill(other, torch.inf).amin(dim=2).max())
    return torch.stack(worst) if worst else outputs["position"].new_zeros(0)


def metric(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest relative change of the cell's metric under its group's rotations, and 1 of a left-handed cell, (n,)."""
    import torch

    del conditions
    worst = []
    for row, number in enumerate(outputs["group_number"].tolist()):
        lattice = outputs["lattice"][row].double()
        own = lattice @ lattice.T
        rotations = torch.from_numpy(group(number).rotations).double()
        turned = rotations.transpose(1, 2) @ own @ rotations
        left = (torch.linalg.det(lattice.detach()) <= 0).double()
        worst.append((turned - own).abs().max() / own.abs().max() + left)
    return torch.stack(worst) if worst else outputs["lattice"].new_zeros(0)


def overlap(outputs: Tensors, conditions: Tensors) -> Tensor:
    """By how much the nearest pair of atoms, images included, is nearer than `CLOSEST` sums of covalent radii, (n,)."""
    import numpy as np
    import torch

    del conditions
    worst = []
    images = torch.from_numpy(NEAREST).double()
    for row in range(len(outputs["n_sites"])):
        count = int(outputs["n_sites"][row])
        lattice = outputs["lattice"][row].double()
        points, kinds = outputs["position"][row, :count].double(), outputs["atomic_number"][row, :count].numpy()
        orbit = outputs["orbit"][row, :count].numpy()
        firsts = np.flatnonzero(np.diff(orbit, prepend=-1))
        change = torch.from_numpy(reduced_cell(lattice.detach().numpy())[1]).double()
        own = points @ torch.linalg.inv(change)
        gap = own[None] - own[firsts][:, None]
        gap = gap - gap.detach().round()
        squared = (((gap[:, :, None] + images) @ (change @ lattice)) ** 2).sum(-1)
        same = torch.zeros_like(squared, dtype=torch.bool)
        same[range(len(firsts)), firsts, len(images) // 2] = True
        distance = squared.masked_fill(same, 1e9).amin(-1).sqrt()
        radius = torch.from_numpy(RADIUS[kinds - 1])
        worst.append(torch.relu(CLOSEST - distance / (radius[firsts][:, None] + radius)).max())
    return torch.stack(worst) if worst else outputs["lattice"].new_zeros(0)
