"""Tau decays as points of a hypercube: subsystem masses and helicity angles, with the frame they are seen in.

Hadrons (or the charged lepton and its neutrino) are split off one by one in the channel's splitting order. Subsystem k
has one mass, one polar angle and, below the first, one azimuth: 3 n - 4 numbers for n products beside the neutrino.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from .kinematics import boost_from_rest, boost_to_rest, cross, dot3, mass_squared, two_body, unit
from .particles import channels, particles
from .spin import TAU_MASS
from .training_pools import HADRONS, split_order

DIMENSIONS = 3 * HADRONS - 4


@cache
def channel_tables() -> tuple[Tensor, Tensor, Tensor]:
    """PDG ids (channels, HADRONS), pole masses [GeV] (channels, HADRONS) and product counts (channels,)."""
    ids = np.zeros((len(channels()), HADRONS), dtype=np.int64)
    for channel in channels():
        order = split_order(channel.index)
        ids[channel.index, : len(order)] = order
    masses = np.array([[particles()[abs(int(i))].mass if i else 0.0 for i in row] for row in ids])
    return torch.tensor(ids), torch.tensor(masses), torch.tensor((ids != 0).sum(-1))


def dimension_mask(channel: Tensor) -> Tensor:
    """Which of the DIMENSIONS coordinates a channel uses, (..., DIMENSIONS) bool."""
    count = channel_tables()[2].to(channel.device)[channel]
    return torch.arange(DIMENSIONS, device=channel.device) < (3 * count - 4)[..., None]


def _columns(level: int) -> tuple[int, int, int | None]:
    """Columns of mass, polar angle and azimuth of subsystem `level` (0-based)."""
    return (0, 1, None) if level == 0 else (3 * level - 1, 3 * level, 3 * level + 1)


def _next_axes(x: Tensor, z: Tensor, towards: Tensor) -> tuple[Tensor, Tensor]:
    """Helicity frame of the subsystem that flies along `towards` in the frame (x, z)."""
    normal = cross(z, towards)
    size = torch.sqrt(dot3(normal, normal))
    straight = size < 1e-12
    y = torch.where(
        straight[..., None], cross(z, x), normal / torch.where(straight, torch.ones_like(size), size)[..., None]
    )
    return cross(y, towards), towards


def encode(products: Tensor, neutrino: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates and body frame of decays at rest.

    Parameters
    ----------
    products : Tensor
        (m, HADRONS, 4) momenta in the tau's rest frame [GeV], in splitting order, zeros beyond.
    neutrino : Tensor
        (m, 4).
    channel : Tensor
        (m,) int64.

    Returns
    -------
    coordinates (m, DIMENSIONS) in [0, 1], axes (m, 3, 3)
        Rows of `axes` are the body frame's x, y, z; z is opposite to the neutrino.
    """
    count = channel_tables()[2].to(channel.device)[channel]
    masses = torch.sqrt(torch.clamp(mass_squared(products), min=0.0))
    coordinates = products.new_full((len(channel), DIMENSIONS), 0.5)
    z = unit(-neutrino)
    upper = products.new_full((len(channel),), TAU_MASS)
    momenta = products
    previous = neutrino.new_zeros(len(channel), 4)
    previous[:, 3] = TAU_MASS
    x = torch.zeros_like(z)
    body = None
    for level in range(HADRONS - 1):
        active = count > level + 1
        system = momenta[:, level:].sum(1)
        mass = torch.sqrt(torch.clamp(mass_squared(system), min=1e-12))
        lower = masses[:, level:].sum(1)
        column_mass, column_cosine, column_azimuth = _columns(level)
        fraction = (mass - lower) / torch.clamp(upper - lower, min=1e-12)
        safe_mass = torch.where(active, mass, torch.ones_like(mass))
        safe_system = torch.where(active[:, None], system, torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=system.dtype))
        momenta = boost_to_rest(momenta, safe_system[:, None], safe_mass[:, None])
        towards = unit(momenta[:, level + 1 :].sum(1))
        cosine = dot3(towards, z)
        if level == 0:
            flat = towards - cosine[:, None] * z
            x = unit(flat)
            body = torch.stack((x, cross(z, x), z), dim=-2)
        y = cross(z, x)
        azimuth = torch.atan2(dot3(towards, y), dot3(towards, x)) / (2.0 * torch.pi)
        coordinates[:, column_mass] = torch.where(active, fraction, coordinates[:, column_mass])
        coordinates[:, column_cosine] = torch.where(active, 0.5 + 0.5 * cosine, coordinates[:, column_cosine])
        if column_azimuth is not None:
            coordinates[:, column_azimuth] = torch.where(active, azimuth % 1.0, coordinates[:, column_azimuth])
        x, z = _next_axes(x, z, towards)
        upper = mass - masses[:, level]
    assert body is not None
    return coordinates.clamp(0.0, 1.0), body


def decode(coordinates: Tensor, channel: Tensor, masses: Tensor) -> tuple[Tensor, Tensor]:
    """Momenta in the body frame of the tau's rest frame.

    Parameters
    ----------
    coordinates : Tensor
        (m, DIMENSIONS) in [0, 1].
    channel : Tensor
        (m,).
    masses : Tensor
        (m, HADRONS) [GeV], in splitting order.

    Returns
    -------
    products (m, HADRONS, 4), neutrino (m, 4)
    """
    count = channel_tables()[2].to(channel.device)[channel]
    rows = len(channel)
    tail = torch.flip(torch.cumsum(torch.flip(masses, (1,)), dim=1), (1,))
    upper = torch.full((rows,), TAU_MASS, dtype=coordinates.dtype, device=coordinates.device)
    x = torch.zeros((rows, 3), dtype=coordinates.dtype, device=coordinates.device)
    z = torch.zeros_like(x)
    x[:, 0], z[:, 2] = 1.0, 1.0
    systems, directions = [], []
    for level in range(HADRONS):
        if level == HADRONS - 1:
            systems.append(tail[:, level])
            break
        active = count > level + 1
        column_mass, column_cosine, column_azimuth = _columns(level)
        mass = tail[:, level] + coordinates[:, column_mass] * (upper - tail[:, level])
        mass = torch.where(active, mass, tail[:, level])
        cosine = 2.0 * coordinates[:, column_cosine] - 1.0
        sine = torch.sqrt(torch.clamp(1.0 - cosine**2, min=0.0))
        if column_azimuth is None:
            towards = sine[:, None] * x + cosine[:, None] * z
        else:
            angle = 2.0 * torch.pi * coordinates[:, column_azimuth]
            towards = (
                (sine * torch.cos(angle))[:, None] * x
                + (sine * torch.sin(angle))[:, None] * cross(z, x)
                + cosine[:, None] * z
            )
        systems.append(mass)
        directions.append(towards)
        x, z = _next_axes(x, z, towards)
        upper = mass - masses[:, level]
    momenta = coordinates.new_zeros(rows, HADRONS, 4)
    momenta[:, HADRONS - 1, 3] = masses[:, HADRONS - 1]
    for level in range(HADRONS - 2, -1, -1):
        active = (count > level + 1)[:, None]
        nested = count > level + 2
        one = torch.ones_like(systems[level])
        system = torch.where(active[:, 0], systems[level], one)
        rest, split = two_body(system, systems[level + 1], masses[:, level], directions[level])
        frame = torch.where(
            nested[:, None], rest, torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=rest.dtype, device=rest.device)
        )
        boosted = boost_from_rest(
            momenta[:, level + 1 :], frame[:, None], torch.where(nested, systems[level + 1], one)[:, None]
        )
        alone = active & ~nested[:, None]
        boosted = torch.cat((torch.where(alone, rest, boosted[:, 0])[:, None], boosted[:, 1:]), dim=1)
        still = torch.zeros_like(split)
        still[:, 3] = masses[:, level]
        momenta = torch.cat((momenta[:, :level], torch.where(active, split, still)[:, None], boosted), dim=1)
    z = torch.zeros((rows, 3), dtype=coordinates.dtype, device=coordinates.device)
    z[:, 2] = 1.0
    tau = torch.full((rows,), TAU_MASS, dtype=coordinates.dtype, device=coordinates.device)
    frame, neutrino = two_body(tau, systems[0], torch.zeros_like(tau), z)
    products = boost_from_rest(momenta, frame[:, None], systems[0][:, None])
    filled = torch.arange(HADRONS, device=channel.device) < count[:, None]
    return products * filled[..., None], neutrino
