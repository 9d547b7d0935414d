"""Galaxy profiles as mixtures of Gaussians (Hogg & Lang 2013, arXiv:1210.6563): Sersic, and the height of a disc.

A Sersic profile exp(-b R^(1/n)), n >= 1/2, is completely monotonic in R^2, hence a mixture of Gaussians (Bernstein).
On a geometric grid of widths the weights follow from the profile by one fixed least-squares projection, so that they
are smooth in n and need no table.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

SERSIC_WIDTHS = tuple(np.geomspace(0.002, 16.0, 22).tolist())
"""Standard deviations of the Gaussians of a Sersic profile, in half-light radii."""

VERTICAL_WIDTHS = tuple(np.geomspace(0.35, 2.6, 7).tolist())
"""Standard deviations of the Gaussians of a sech^2 profile, in scale heights."""

_RADII = np.geomspace(0.001, 40.0, 300)
_RIDGE = 1e-4
_FLUX_ROW = 3.0


def sersic_b(n: Tensor) -> Tensor:
    """b(n) that makes the radius unit of exp(-b R^(1/n)) enclose half the light (Ciotti & Bertin 1999, eq. 18)."""
    return 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2) + 131 / (1148175 * n**3) - 2194697 / (30690717750 * n**4)


def sersic_brightness(radius: Tensor, n: Tensor) -> Tensor:
    """Surface brightness of a Sersic profile of unit flux and half-light radius; broadcasts."""
    b = sersic_b(n)
    log_norm = 2 * n * torch.log(b) - torch.lgamma(2 * n) - torch.log(2 * torch.pi * n)
    return torch.exp(log_norm - b * radius ** (1 / n))


@cache
def _projection() -> tuple[Tensor, Tensor, Tensor]:
    """Radii, the projection of brightness * radius on the weights, and that of the unit flux."""
    width = np.asarray(SERSIC_WIDTHS)
    measure = _RADII**1.1
    gaussians = np.exp(-(_RADII[:, None] ** 2) / (2 * width**2)) / (2 * np.pi * width**2) * measure[:, None]
    rows = np.vstack([gaussians, np.full(len(width), _FLUX_ROW), _RIDGE * np.eye(len(width))])
    inverse = np.linalg.pinv(rows)
    profile = inverse[:, : len(_RADII)] * measure
    return torch.tensor(_RADII), torch.tensor(profile), torch.tensor(inverse[:, len(_RADII)] * _FLUX_ROW)


def sersic_weights(n: Tensor) -> Tensor:
    """Weights of the Gaussians of `SERSIC_WIDTHS` that make up a Sersic profile of unit flux.

    Parameters
    ----------
    n : Tensor
        Sersic index, (...), 0.5 to 6.

    Returns
    -------
    Tensor
        (..., 22) float64; they sum to 1.
    """
    radii, profile, flux = (part.to(n.device) for part in _projection())
    weights = sersic_brightness(radii, n.double()[..., None]) @ profile.T + flux
    return weights / weights.sum(-1, keepdim=True)


@cache
def vertical_weights() -> Tensor:
    """Weights of the Gaussians of `VERTICAL_WIDTHS` that make up sech^2(z) / 2; (7,) float64, they sum to 1."""
    width = np.asarray(VERTICAL_WIDTHS)
    height = np.linspace(0.0, 9.0, 400)
    gaussians = np.exp(-(height[:, None] ** 2) / (2 * width**2)) / (np.sqrt(2 * np.pi) * width)
    rows = np.vstack([gaussians, np.full(len(width), _FLUX_ROW), 1e-4 * np.eye(len(width))])
    wanted = np.concatenate([0.5 / np.cosh(height) ** 2, [_FLUX_ROW], np.zeros(len(width))])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return torch.tensor(weights / weights.sum())
