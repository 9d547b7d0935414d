"""Decays of what the taus decay into: pi0, K0, eta, omega and K*, by Pythia's branching fractions, exactly on shell."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...noise import Noise
from .kinematics import boost_from_rest, breakup_momentum, direction, mass_squared, two_body
from .particles import channels, mass_table, particles, self_conjugate
from .spin import sample_quadratic

DEPTH = 4
WIDEST = 3
CAPACITY = 9
_GRID = 64
_DRAWS = 6


@cache
def _table(pdg_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cumulative fractions (k,), products (k, WIDEST) and matrix-element codes (k,); four-body modes are left out."""
    rows = [row for row in channels(pdg_id) if len(row.products) <= WIDEST]
    fractions = np.cumsum([row.branching_fraction for row in rows])
    products = np.zeros((len(rows), WIDEST), dtype=np.int64)
    for i, row in enumerate(rows):
        products[i, : len(row.products)] = row.products
    return (
        torch.tensor(fractions / fractions[-1]),
        torch.tensor(products),
        torch.tensor([row.matrix_element for row in rows]),
    )


@cache
def unstable() -> tuple[int, ...]:
    """PDG ids (positive) of secondaries that decay."""
    return tuple(i for i, particle in particles().items() if not particle.stable and i != 15)


@cache
def neutral_pion_to_photons() -> float:
    """Cumulative fraction below which a neutral pion decays to two photons."""
    return float(_table(111)[0][0])


def is_unstable(pdg_id: Tensor) -> Tensor:
    """Whether each id decays further."""
    return torch.isin(pdg_id.abs(), torch.tensor(unstable(), device=pdg_id.device))


@cache
def _lookup() -> tuple[Tensor, Tensor]:
    ids, values = mass_table()
    masses = torch.zeros(400, dtype=torch.float64)
    lifetimes = torch.zeros(400, dtype=torch.float64)
    masses[torch.tensor(ids)] = torch.tensor(values, dtype=torch.float64)
    lifetimes[torch.tensor(ids)] = torch.tensor([particles()[int(i)].proper_lifetime for i in ids], dtype=torch.float64)
    return masses, lifetimes


def mass_of(pdg_id: Tensor) -> Tensor:
    """Pole masses [GeV]; 0 for padding."""
    return _lookup()[0].to(pdg_id.device)[pdg_id.abs()]


def lifetime_of(pdg_id: Tensor) -> Tensor:
    """Proper lifetimes [mm]; the charged tau's products that leave the detector are stable and keep theirs unused."""
    return _lookup()[1].to(pdg_id.device)[pdg_id.abs()]


def resonance_mass(pdg_id: Tensor, uniform: Tensor) -> Tensor:
    """Masses [GeV], Breit-Wigner in m^2 within Pythia's range for omega and K*, the pole mass otherwise."""
    mass = mass_of(pdg_id)
    for i in (223, 323):
        p = particles()[i]
        low = np.arctan((p.mass_minimum**2 - p.mass**2) / (p.mass * p.width))
        high = np.arctan((p.mass_maximum**2 - p.mass**2) / (p.mass * p.width))
        drawn = torch.sqrt(p.mass**2 + p.mass * p.width * torch.tan(low + uniform * (high - low)))
        mass = torch.where(pdg_id.abs() == i, drawn, mass)
    return mass


def flight(p: Tensor, lifetime: Tensor, uniform: Tensor) -> Tensor:
    """Displacement (x, y, z, t) [mm] of a particle that decays after an exponential proper time."""
    mass = torch.sqrt(torch.clamp(mass_squared(p), min=1e-20))
    return p * (-torch.log(uniform) * lifetime / mass)[..., None]


def photons(p: Tensor, uniform: Tensor) -> Tensor:
    """Two photons of each neutral pion, (..., 2, 4); `uniform` (..., 2)."""
    mass = torch.sqrt(mass_squared(p))
    axis = torch.zeros_like(p[..., :3])
    axis[..., 2] = 1.0
    towards = direction(axis, 2.0 * uniform[..., 0] - 1.0, 2.0 * torch.pi * uniform[..., 1])
    zero = torch.zeros_like(mass)
    first, second = two_body(mass, zero, zero, towards)
    return torch.stack((boost_from_rest(first, p, mass), boost_from_rest(second, p, mass)), dim=-2)


def _invert(density: Tensor, grid: Tensor, uniform: Tensor) -> Tensor:
    """Inverse of the trapezoidal cumulative distribution of `density` on `grid`, row by row."""
    steps = 0.5 * (density[:, 1:] + density[:, :-1]) * (grid[:, 1:] - grid[:, :-1])
    cumulative = torch.cat((torch.zeros_like(steps[:, :1]), torch.cumsum(steps, 1)), 1)
    goal = (uniform * cumulative[:, -1])[:, None]
    right = torch.clamp(torch.searchsorted(cumulative.contiguous(), goal), 1, grid.shape[1] - 1)
    x0, x1 = grid.gather(1, right - 1), grid.gather(1, right)
    y0, y1 = cumulative.gather(1, right - 1), cumulative.gather(1, right)
    return (x0 + (goal - y0) / torch.clamp(y1 - y0, min=1e-300) * (x1 - x0))[:, 0]


def _pair_mass(mass: Tensor, products: Tensor, code: Tensor, uniform: Tensor) -> Tensor:
    """Mass of the last two products of a three-body decay.

    Phase space, or q^2 of an internal conversion (Kroll and Wada 1955, Phys. Rev. 98, 1355; Pythia's code 11).
    """
    low, high = products[:, 1] + products[:, 2], mass - products[:, 0]
    fraction = torch.linspace(0.0, 1.0, _GRID, dtype=mass.dtype, device=mass.device)
    floor = torch.clamp(low, min=1e-6)[:, None]
    grid = floor * (torch.clamp(high, min=2e-6)[:, None] / floor) ** fraction
    flat = breakup_momentum(mass[:, None], products[:, :1], grid) * breakup_momentum(
        grid, products[:, 1:2], products[:, 2:3]
    )
    square = (products[:, 1:2] / grid) ** 2
    conversion = (
        (1.0 - ((grid - products[:, :1]) / mass[:, None]) ** 2).clamp(min=0.0) ** 3
        * (1.0 + 2.0 * square)
        * torch.sqrt((1.0 - 4.0 * square).clamp(min=0.0))
        / grid
    )
    return _invert(torch.where((code == 11)[:, None], conversion, flat), grid, uniform)


def _decay(pdg_id: Tensor, p: Tensor, choice: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Products of unstable particles: ids (r, WIDEST) and momenta (r, WIDEST, 4)."""
    ids = torch.zeros((len(pdg_id), WIDEST), dtype=torch.int64, device=pdg_id.device)
    code = torch.zeros(len(pdg_id), dtype=torch.int64, device=pdg_id.device)
    for kind in unstable():
        cumulative, products, codes = (t.to(pdg_id.device) for t in _table(kind))
        mode = torch.clamp((choice[:, None] > cumulative).sum(-1), max=len(cumulative) - 1)
        mine = pdg_id.abs() == kind
        ids = torch.where(mine[:, None], products[mode], ids)
        code = torch.where(mine, codes[mode], code)
    neutral = torch.isin(ids, torch.tensor(self_conjugate(), device=ids.device))
    ids = torch.where((pdg_id < 0)[:, None] & ~neutral, -ids, ids)
    masses = resonance_mass(ids, uniform[:, 5:6].expand(-1, WIDEST))
    mass = torch.sqrt(torch.clamp(mass_squared(p), min=1e-20))
    count = (ids != 0).sum(-1)
    pair = torch.where(count == 3, _pair_mass(mass, masses, code, uniform[:, 0]), masses[:, 1])
    z = torch.zeros_like(p[:, :3])
    z[:, 2] = 1.0
    axis = direction(z, 2.0 * uniform[:, 1] - 1.0, 2.0 * torch.pi * uniform[:, 2])
    first, rest = two_body(mass, masses[:, 0], pair, axis)
    ratio = torch.clamp(4.0 * masses[:, 1] ** 2 / torch.clamp(pair, min=1e-12) ** 2, max=1.0)
    one = torch.ones_like(mass)
    conversion = sample_quadratic(one + ratio, torch.zeros_like(one), one - ratio, uniform[:, 3])
    cosine = torch.where(code == 11, conversion, 2.0 * uniform[:, 3] - 1.0)
    towards = direction(-axis, cosine, 2.0 * torch.pi * uniform[:, 4])
    safe = torch.where(count == 3, pair, one)
    second, third = two_body(safe, masses[:, 1], masses[:, 2], towards)
    second, third = boost_from_rest(second, rest, safe), boost_from_rest(third, rest, safe)
    second = torch.where((count == 3)[:, None], second, rest)
    moving = torch.stack((first, second, third), dim=1)
    moving = boost_from_rest(moving, p[:, None], mass[:, None])
    alone = torch.stack((p, torch.zeros_like(p), torch.zeros_like(p)), dim=1)
    momenta = torch.where((count == 1)[:, None, None], alone, moving)
    return ids, momenta * (ids != 0)[..., None]


def chains(pdg_id: Tensor, p: Tensor, vertex: Tensor, choice: Tensor, key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Decay particles until only stable ones are left.

    Parameters
    ----------
    pdg_id, p, vertex : Tensor
        (r,), (r, 4) [GeV], (r, 4) [mm], the production vertex.
    choice : Tensor
        (r,) uniform that picks the first decay's mode.
    key : Tensor
        (r,) int64 words that key the remaining draws.

    Returns
    -------
    ids (r, CAPACITY), momenta (r, CAPACITY, 4), vertices (r, CAPACITY, 4)
        Stable particles first, zeros after.
    """
    noise = Noise(310, key)
    rows = len(pdg_id)
    ids = torch.zeros((rows, CAPACITY), dtype=torch.int64, device=pdg_id.device)
    momenta = p.new_zeros(rows, CAPACITY, 4)
    vertices = p.new_zeros(rows, CAPACITY, 4)
    ids[:, 0], momenta[:, 0], vertices[:, 0] = pdg_id, p, vertex
    for depth in range(DEPTH):
        draws = noise.uniform((CAPACITY, _DRAWS + 2), depth)
        if depth == 0:
            draws[:, 0, 0] = choice
        open_ = is_unstable(ids)
        row, slot = torch.nonzero(open_, as_tuple=True)
        if len(row) == 0:
            break
        product_ids, product_momenta = _decay(
            ids[row, slot], momenta[row, slot], draws[row, slot, 0], draws[row, slot, 1:7]
        )
        moved = flight(momenta[row, slot], lifetime_of(ids[row, slot]), draws[row, slot, 7])
        new_ids = torch.zeros((rows, CAPACITY, WIDEST), dtype=torch.int64, device=ids.device)
        new_momenta = momenta.new_zeros(rows, CAPACITY, WIDEST, 4)
        new_vertices = vertices[:, :, None].repeat(1, 1, WIDEST, 1)
        new_ids[:, :, 0], new_momenta[:, :, 0] = ids, momenta
        new_ids[row, slot], new_momenta[row, slot] = product_ids, product_momenta
        new_vertices[row, slot] = (vertices[row, slot] + moved)[:, None]
        filled = new_ids.reshape(rows, -1) != 0
        order = torch.argsort((~filled).to(torch.int8), dim=1, stable=True)[:, :CAPACITY]
        ids = new_ids.reshape(rows, -1).gather(1, order)
        spread = order[..., None].expand(-1, -1, 4)
        momenta = new_momenta.reshape(rows, -1, 4).gather(1, spread)
        vertices = new_vertices.reshape(rows, -1, 4).gather(1, spread)
    return ids, momenta, vertices * (ids != 0)[..., None]
