"""Cloud-in-cell meshes of particles as tensors: differentiable in the displacements, in compiled loops where not."""

from __future__ import annotations

import torch
from torch import Tensor


def cloud_in_cell(displacement: Tensor, size: int, box_size: float, weight: Tensor | None = None) -> Tensor:
    """Sum of the particles' weights at the points of a mesh, in units of the mean number of particles a point.

    Parameters
    ----------
    displacement : Tensor
        (n, n, n, 3) Mpc/h of lattice particles; particle i starts at the middle of lattice cell i.
    size : int
        Mesh points a side; a value stands for the middle of its cell.
    box_size : float
    weight : Tensor, optional
        (n, n, n); 1 each by default.

    Returns
    -------
    Tensor
        (size, size, size) of the displacement's dtype, differentiable in displacement and weight.
    """
    n = displacement.shape[0]
    lattice = (torch.arange(n, dtype=displacement.dtype, device=displacement.device) + 0.5) * (size / n) - 0.5
    low: list[Tensor] = []
    shares: list[tuple[Tensor, Tensor]] = []
    for axis in range(3):
        start = lattice.view([-1 if k == axis else 1 for k in range(3)])
        place = (start + displacement[..., axis] * (size / box_size)).reshape(-1)
        floor = place.detach().floor()
        low.append(floor.long())
        shares.append((1 - (place - floor), place - floor))
    mesh = torch.zeros(size**3, dtype=displacement.dtype, device=displacement.device)
    for i in (0, 1):
        for j in (0, 1):
            for k in (0, 1):
                cell = ((low[0] + i) % size * size + (low[1] + j) % size) * size + (low[2] + k) % size
                share = shares[0][i] * shares[1][j] * shares[2][k]
                mesh = mesh.index_add(0, cell, share if weight is None else share * weight.reshape(-1))
    return mesh.view(size, size, size) * (size / n) ** 3


def density_contrast(displacement: Tensor, size: int, box_size: float) -> Tensor:
    """Density contrast (size, size, size) of lattice particles displaced by (n, n, n, 3) Mpc/h."""
    if displacement.requires_grad or displacement.device.type != "cpu":
        return cloud_in_cell(displacement, size, box_size) - 1
    from . import particle_mesh

    painted = particle_mesh.density_contrast(displacement.detach().float().numpy(), size, box_size)
    return torch.from_numpy(painted).to(displacement.dtype)
