"""The Gaussian grid of a spectral model of the atmosphere: latitudes at the roots of a Legendre polynomial."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GaussianGrid:
    """Cells by latitude, from south to north, and by longitude from 0 east.

    Attributes
    ----------
    n_latitude, n_longitude : int
    """

    n_latitude: int = 48
    n_longitude: int = 96

    @functools.cached_property
    def sines(self) -> np.ndarray:
        """Sine of the latitudes, ascending."""
        return np.polynomial.legendre.leggauss(self.n_latitude)[0]

    @functools.cached_property
    def latitudes(self) -> np.ndarray:
        """Degrees north, ascending."""
        return np.rad2deg(np.arcsin(self.sines))

    @functools.cached_property
    def longitudes(self) -> np.ndarray:
        """Degrees east, 0 to below 360."""
        return np.arange(self.n_longitude) * (360.0 / self.n_longitude)

    @functools.cached_property
    def weights(self) -> np.ndarray:
        """Gaussian weights of the latitudes; they sum to 1."""
        return 0.5 * np.polynomial.legendre.leggauss(self.n_latitude)[1]

    @functools.cached_property
    def latitude_bounds(self) -> np.ndarray:
        """Degrees north, (n_latitude, 2): bands whose areas are the Gaussian weights."""
        inner = 2.0 * np.cumsum(self.weights)[:-1] - 1.0
        edges = np.rad2deg(np.arcsin(np.concatenate([[-1.0], inner, [1.0]])))
        return np.stack([edges[:-1], edges[1:]], axis=1)

    @functools.cached_property
    def longitude_bounds(self) -> np.ndarray:
        """Degrees east, (n_longitude, 2)."""
        half = 180.0 / self.n_longitude
        return np.stack([self.longitudes - half, self.longitudes + half], axis=1)

    def cell_weights(self) -> np.ndarray:
        """Share of the sphere of each cell, (n_latitude, n_longitude)."""
        return np.repeat(self.weights[:, None] / self.n_longitude, self.n_longitude, axis=1)


T31 = GaussianGrid(48, 96)
T21 = GaussianGrid(32, 64)


def area_mean(field: Tensor, grid: GaussianGrid = T31) -> Tensor:
    """Gaussian-weighted mean over the sphere of (…, latitude, longitude), exact up to the grid's degree.

    Parameters
    ----------
    field : Tensor
        (…, n_latitude, n_longitude).

    Returns
    -------
    Tensor
        (…,).
    """
    import torch

    weights = torch.as_tensor(grid.weights, dtype=field.dtype, device=field.device)
    return (field.mean(-1) * weights).sum(-1)
