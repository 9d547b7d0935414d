"""What is read off fields and not imposed: pressure at sea level, the balance of water, geostrophic wind."""

from __future__ import annotations

import torch
from torch import Tensor

from .gaussian_grid import T31, GaussianGrid, area_mean

GRAVITY = 9.81
GAS_CONSTANT = 287.0
LAPSE_RATE = 6.5e-3


def sea_level_pressure(pressure: Tensor, temperature: Tensor, height: Tensor) -> Tensor:
    """Pressure reduced to sea level, Pa, by a column of constant lapse rate below the ground.

    Parameters
    ----------
    pressure, temperature : Tensor
        At the surface, (…, latitude, longitude), Pa and K.
    height : Tensor
        Of the surface, (latitude, longitude), m.
    """
    mean = temperature + 0.5 * LAPSE_RATE * height
    return pressure * torch.exp(GRAVITY * height / (GAS_CONSTANT * mean))


def water_imbalance(precipitation: Tensor, evaporation: Tensor, grid: GaussianGrid = T31) -> Tensor:
    """Area mean of evaporation less precipitation over the former's, (…,): 0 over a long run of a closed climate."""
    evaporated = area_mean(evaporation, grid)
    return (evaporated - area_mean(precipitation, grid)) / evaporated


def geostrophic_wind(pressure: Tensor, grid: GaussianGrid = T31, density: float = 1.2) -> tuple[Tensor, Tensor]:
    """Eastward and northward wind that balances a pressure field, m/s; NaN within 10 degrees of the equator.

    Parameters
    ----------
    pressure : Tensor
        At one height, (…, latitude, longitude), Pa.
    """
    radius, rotation = 6.371e6, 7.292e-5
    latitude = torch.deg2rad(torch.as_tensor(grid.latitudes, dtype=pressure.dtype, device=pressure.device))
    coriolis = (2.0 * rotation * torch.sin(latitude))[:, None]
    coriolis = torch.where(latitude[:, None].abs() < torch.pi / 18, torch.nan, coriolis)
    northward = torch.gradient(pressure, spacing=(latitude,), dim=-2)[0] / radius
    step = 2.0 * torch.pi / grid.n_longitude
    around = (torch.roll(pressure, -1, -1) - torch.roll(pressure, 1, -1)) / (2.0 * step)
    eastward = around / (radius * torch.cos(latitude)[:, None])
    return -northward / (density * coriolis), eastward / (density * coriolis)
