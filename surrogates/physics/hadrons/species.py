"""Hadrons of an interaction: identities, masses, conserved numbers, and which sets of them can close a balance."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_TABLE = (
    # identity, mass of UrQMD 3.4 [GeV], charge, baryon number, strangeness
    (211, 0.138, 1, 0, 0),
    (-211, 0.138, -1, 0, 0),
    (111, 0.138, 0, 0, 0),
    (221, 0.547, 0, 0, 0),
    (321, 0.494, 1, 0, 1),
    (-321, 0.494, -1, 0, -1),
    (311, 0.494, 0, 0, 1),
    (-311, 0.494, 0, 0, -1),
    (2212, 0.938, 1, 1, 0),
    (2112, 0.938, 0, 1, 0),
    (-2212, 0.938, -1, -1, 0),
    (-2112, 0.938, 0, -1, 0),
    (3122, 1.116, 0, 1, -1),
    (3222, 1.192, 1, 1, -1),
    (3212, 1.192, 0, 1, -1),
    (3112, 1.192, -1, 1, -1),
    (-3122, 1.116, 0, -1, 1),
    (-3222, 1.192, -1, -1, 1),
    (-3212, 1.192, 0, -1, 1),
    (-3112, 1.192, 1, -1, 1),
    (3322, 1.315, 0, 1, -2),
    (3312, 1.315, -1, 1, -2),
    (-3322, 1.315, 0, -1, 2),
    (-3312, 1.315, 1, -1, 2),
    (3334, 1.672, -1, 1, -3),
    (-3334, 1.672, 1, -1, 3),
)
IDS = np.array([row[0] for row in _TABLE])
MASS = np.array([row[1] for row in _TABLE])
CHARGE, BARYON, STRANGENESS = (np.array([row[k] for row in _TABLE]) for k in (2, 3, 4))
NUMBERS = np.stack([CHARGE, BARYON, STRANGENESS], axis=1)
"""(species, 3): charge, baryon number, strangeness."""

SPECIES = len(_TABLE)
K_SHORT, K_LONG, K_ZERO = 310, 130, 311
PION = 0.138
LOWEST = np.array([-12, -8, -8])
HIGHEST = np.array([16, 8, 8])
"""Bounds of the balances (charge, baryon number, strangeness) that `least` knows."""

_NUCLEONS, _CHARGE = 6, 3  # what is left of a large balance when nucleons have been taken off


def conserved(pdg_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Baryon number, and strangeness of all but neutral kaons, from the digits of PDG codes; charm included.

    Parameters
    ----------
    pdg_id : int array
        Hadrons, leptons, photons, nuclei (100ZZZAAA0), 0 for no particle.
    """
    code = np.abs(pdg_id)
    sign = np.sign(pdg_id)
    nucleus = code > 1_000_000_000
    digits = [(code // 10**place) % 10 for place in (3, 2, 1)]
    baryon = (digits[0] > 0) & (digits[1] > 0) & (digits[2] > 0) & ~nucleus
    number = np.where(nucleus, (code // 10) % 1000, sign * baryon)
    quarks = sum((digit == 3).astype(np.int64) for digit in digits)
    assert not isinstance(quarks, int)
    meson = np.where((quarks == 1) & ~baryon, sign, 0)  # K+ (321) and D_s+ (431) hold an anti-s
    strangeness = np.where(nucleus, 0, np.where(baryon, -sign * quarks, meson))
    neutral = np.isin(pdg_id, (K_SHORT, K_LONG))
    return number, np.where(neutral, 0, strangeness)


@cache
def least() -> tuple[np.ndarray, np.ndarray]:
    """Least mass [GeV] of particles whose numbers add up to a balance, and how many they are.

    Returns
    -------
    mass : ndarray of float
        By charge, baryon number and strangeness less `LOWEST`; infinite where nothing does. A neutral pion more closes
        the same balance, so that any larger number of particles does too.
    count : ndarray of int
    """
    shape = tuple(HIGHEST - LOWEST + 1)
    mass = np.full(shape, np.inf)
    count = np.zeros(shape, dtype=np.int64)
    mass[tuple(-LOWEST)] = 0.0
    for _ in range(120):
        before = mass.copy()
        for weight, numbers in zip(MASS, NUMBERS, strict=True):
            if not numbers.any():
                continue
            here = tuple(slice(max(d, 0), s + min(d, 0)) for d, s in zip(numbers, shape, strict=True))
            there = tuple(slice(max(-d, 0), s + min(-d, 0)) for d, s in zip(numbers, shape, strict=True))
            found = mass[there] + weight
            better = found < mass[here] - 1e-9
            mass[here] = np.where(better, found, mass[here])
            count[here] = np.where(better, count[there] + 1, count[here])
        if np.array_equal(before, mass):
            break
    return mass, count


def demand(tables: tuple[Tensor, Tensor], balance: Tensor) -> tuple[Tensor, Tensor]:
    """Least mass [GeV] and number of particles that a balance (..., 3) of charge, baryon number, strangeness asks.

    Parameters
    ----------
    tables : tuple of Tensor
        `least`, as tensors.
    balance : Tensor
        int64. Above 6 baryons, nucleons are taken off first, protons as far as the charge wants them.
    """
    import torch

    charge, baryon, strange = balance.unbind(-1)
    excess = (baryon - _NUCLEONS).clamp(min=0)
    protons = torch.minimum((charge - _CHARGE).clamp(min=0), excess)
    small = torch.stack((charge - protons, baryon - excess, strange), dim=-1)
    low, high = torch.as_tensor(LOWEST), torch.as_tensor(HIGHEST)
    known = ((small >= low) & (small <= high)).all(-1)
    place = torch.minimum(torch.maximum(small, low), high) - low
    mass, count = (table[tuple(place.unbind(-1))] for table in tables)
    mass = torch.where(known, mass.double() + 0.938 * excess, torch.full_like(mass, torch.inf, dtype=torch.float64))
    return mass, count + excess
