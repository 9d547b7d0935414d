"""Statistics of boxes as differentiable numbers, and what they are expected to be at a cosmology."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

EDGES = (0.5, 1.5, 2.5, 3.5, 5.5, 7.5, 11.5, 16.0)
"""Of shells of wavenumber, in fundamental modes of a box of 32 points a side."""


@lru_cache(maxsize=4)
def _shells(side: int) -> Tensor:
    """(shell, mode) shares of the modes of a real transform, up to the mesh's Nyquist mode."""
    full = np.fft.fftfreq(side, 1 / side)
    k = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + np.arange(side // 2 + 1) ** 2).ravel()
    stands_for = np.full(side // 2 + 1, 2.0)  # a mode of the half spectrum stands for itself and its conjugate
    stands_for[[0, -1]] = 1.0
    weight = np.broadcast_to(stands_for, (side, side, side // 2 + 1)).ravel()
    edges = np.array(EDGES) * side / 32
    shell = np.digitize(k, edges) - 1
    shares = np.stack([weight * (shell == s) for s in range(len(edges) - 1)])
    return torch.from_numpy((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32))


LEVELS = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.3, 1.8, 2.5, 3.3])
"""Of ln(1 + density), at which its distribution is compared."""


NUMBER = 2 * (len(EDGES) - 1) + len(LEVELS)
"""Of statistics of a box."""


def statistics(logarithm: Tensor) -> Tensor:
    """Logarithms of power in shells, of the density and of its logarithm, and of shares of points beyond `LEVELS`."""
    shares = _shells(logarithm.shape[1]).to(logarithm)
    found = []
    for field in (torch.expm1(logarithm), logarithm):
        modes = torch.fft.rfftn(field, dim=(1, 2, 3))
        power = (modes.real.square() + modes.imag.square()).flatten(1) @ shares.T
        found.append(torch.log(power + 1e-6))
    soft = torch.stack([torch.sigmoid((logarithm - level) / (0.05 + 0.1 * level)).mean((1, 2, 3)) for level in LEVELS])
    found.append(torch.log(soft.T + 1e-4) + torch.log1p(1e-4 - soft.T))
    return torch.cat(found, dim=1)


def basis(context: Tensor) -> Tensor:
    """One, the condition's numbers and their products, (n, 10) of (n, 3)."""
    products = [context[:, i] * context[:, j] for i in range(3) for j in range(i, 3)]
    return torch.cat((torch.ones_like(context[:, :1]), context, torch.stack(products, dim=1)), dim=1)


def fitted(context: Tensor, found: Tensor) -> Tensor:
    """Slopes (10, k) of statistics (n, k) with `basis` of conditions (n, 3), by least squares."""
    return torch.linalg.lstsq(basis(context).double(), found.double()).solution.float()
