"""Laws of the daily fields: the mass of the atmosphere by projection, rain without negative values by construction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .gaussian_grid import T31, GaussianGrid, area_mean

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

SECONDS_PER_DAY = 86_400.0

MEAN_SURFACE_PRESSURE = 98515.0
"""Area mean of the surface pressure that every day has, Pa: the mass of air times gravity over the Earth's area.

The reference's own drifts by 60 Pa in 150 days, with no loss or source of air in nature to follow."""


def with_mean_pressure(pressure: Tensor, mean: float = MEAN_SURFACE_PRESSURE, grid: GaussianGrid = T31) -> Tensor:
    """Surface pressure times the one factor that gives its area mean; the pattern of its logarithm stays.

    Parameters
    ----------
    pressure : Tensor
        (…, latitude, longitude), Pa, positive.
    """
    return pressure * (mean / area_mean(pressure, grid))[..., None, None]


def rain(root: Tensor) -> Tensor:
    """Precipitation of its signed square root, kg m-2 s-1: exactly 0 where the root is not positive (the wet gate).

    Parameters
    ----------
    root : Tensor
        Square root of the precipitation in mm a day where it rains; how far a cell is from rain where it is negative.
    """
    return root.clamp(min=0.0).square() / SECONDS_PER_DAY


def rain_root(precipitation: Tensor) -> Tensor:
    """Square root of precipitation in mm a day; 0 where it is dry."""
    return (precipitation.clamp(min=0.0) * SECONDS_PER_DAY).sqrt()


def mean_surface_pressure(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Area mean of `ps` (n, …, latitude, longitude) over the climate's constant, less 1: the largest day, (n,)."""
    relative = area_mean(outputs["ps"].double()) / MEAN_SURFACE_PRESSURE - 1.0
    return relative.abs().flatten(1).amax(1) if relative.ndim > 1 else relative.abs()


def negative_rain(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Depth of the most negative value of `pr` (n, …), kg m-2 s-1, (n,)."""
    return (-outputs["pr"].double()).clamp(min=0.0).flatten(1).amax(1)
