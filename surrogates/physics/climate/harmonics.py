"""Spherical harmonics on a Gaussian grid: analysis, synthesis and the power spectrum degree by degree.

The associated Legendre functions come from the recurrences of Holmes, Featherstone 2002, J. Geodesy 76, 279, eqs.
(11)-(13), fully normalised so that the mean square of every harmonic over the sphere is 1.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from .gaussian_grid import T31, GaussianGrid


@functools.lru_cache(maxsize=8)
def legendre(grid: GaussianGrid, truncation: int) -> np.ndarray:
    """Normalised associated Legendre functions at the grid's latitudes, (order m, degree l, latitude) float64.

    Entries with l < m are 0.
    """
    sine = grid.sines
    cosine = np.sqrt(1.0 - sine**2)
    table = np.zeros((truncation + 1, truncation + 1, len(sine)))
    table[0, 0] = 1.0
    for m in range(1, truncation + 1):
        factor = np.sqrt(3.0) if m == 1 else np.sqrt((2 * m + 1) / (2 * m))
        table[m, m] = factor * cosine * table[m - 1, m - 1]
    for m in range(truncation + 1):
        for degree in range(m + 1, truncation + 1):
            a = np.sqrt((2 * degree - 1) * (2 * degree + 1) / ((degree - m) * (degree + m)))
            table[m, degree] = a * sine * table[m, degree - 1]
            if degree > m + 1:
                b = np.sqrt(
                    (2 * degree + 1)
                    * (degree + m - 1)
                    * (degree - m - 1)
                    / ((degree - m) * (degree + m) * (2 * degree - 3))
                )
                table[m, degree] -= b * table[m, degree - 2]
    return table


def analysis(field: Tensor, truncation: int = 31, grid: GaussianGrid = T31) -> Tensor:
    """Complex coefficients (…, order, degree) of real fields (…, latitude, longitude).

    A field that holds degrees up to `truncation` alone comes back from `synthesis` to rounding.
    """
    table = _tensor(grid, truncation, field)
    weights = torch.as_tensor(grid.weights, dtype=field.dtype, device=field.device)
    waves = torch.fft.rfft(field, dim=-1, norm="forward")[..., : truncation + 1] * weights[:, None]
    return torch.einsum("...jm,mlj->...ml", waves, table.to(waves.dtype))


def synthesis(coefficients: Tensor, grid: GaussianGrid = T31) -> Tensor:
    """Real fields (…, latitude, longitude) of coefficients (…, order, degree)."""
    truncation = coefficients.shape[-1] - 1
    table = _tensor(grid, truncation, coefficients.real)
    scale = torch.full((truncation + 1,), 0.5, dtype=table.dtype, device=table.device)
    scale[0] = 1.0
    waves = torch.einsum("...ml,mlj->...jm", coefficients, table.to(coefficients.dtype)) * scale
    return torch.fft.irfft(waves, n=grid.n_longitude, dim=-1, norm="forward")


def power(field: Tensor, truncation: int = 31, grid: GaussianGrid = T31) -> Tensor:
    """Variance by degree, (…, degree): the sum over degrees is the field's mean square, for a band-limited field."""
    return analysis(field, truncation, grid).abs().square().sum(-2)


def _tensor(grid: GaussianGrid, truncation: int, like: Tensor) -> Tensor:
    return torch.as_tensor(legendre(grid, truncation), dtype=like.dtype, device=like.device)
