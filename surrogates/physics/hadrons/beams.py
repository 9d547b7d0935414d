"""Projectiles and targets: identities, masses, charges, conserved numbers.

Masses are those of UrQMD 3.4 (Bass et al. 1998, Prog. Part. Nucl. Phys. 41, 255; Bleicher et al. 1999, J. Phys. G 25,
1859): pions .138, kaons .494, nucleons .938 GeV. A nucleon bound in a nucleus has the same energy whatever its Fermi
momentum, so that the nucleus weighs `BOUND_ENERGY` times its mass number.
"""

from __future__ import annotations

import numpy as np

PROJECTILES = ("p", "n", "pi+", "pi-", "K+", "K-")
PROJECTILE_IDS = np.array([2212, 2112, 211, -211, 321, -321])
PROJECTILE_CHARGE = np.array([1, 0, 1, -1, 1, -1])
PROJECTILE_BARYON = np.array([1, 1, 0, 0, 0, 0])
PROJECTILE_STRANGENESS = np.array([0, 0, 0, 0, 1, -1])
PROJECTILE_MASS = np.array([0.938, 0.938, 0.138, 0.138, 0.494, 0.494])
"""GeV, of UrQMD."""

PDG_MASS = np.array([0.93827209, 0.93956542, 0.13957039, 0.13957039, 0.493677, 0.493677])
"""GeV, Particle Data Group 2024: chromo makes the beam's momentum of the energy with them."""

TARGETS = ("p", "N", "O", "Fe")
TARGET_A = np.array([1, 14, 16, 56])
TARGET_Z = np.array([1, 7, 8, 26])
BOUND_ENERGY = np.array([0.938, 0.93077068, 0.93053538, 0.92928252])
"""GeV a nucleon, read off UrQMD 3.4."""

NUCLEUS = 1_000_000_000
"""PDG code of nuclei: 10LZZZAAAI with L = I = 0."""


def target_mass(target: np.ndarray) -> np.ndarray:
    """Mass [GeV] of targets by their code."""
    return (BOUND_ENERGY * TARGET_A)[target]


def beam_momentum(projectile: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Momentum [GeV] of projectiles by code and total energy [GeV], as chromo hands it to UrQMD."""
    return np.sqrt(np.asarray(energy, dtype=np.float64) ** 2 - PDG_MASS[projectile] ** 2)


def total_momentum(projectile: np.ndarray, energy: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Four-momentum (n, 4), in the order px, py, pz, E [GeV], of beam and target: what an interaction conserves."""
    along = beam_momentum(projectile, energy)
    whole = np.sqrt(along**2 + PROJECTILE_MASS[projectile] ** 2) + target_mass(target)
    zero = np.zeros_like(along)
    return np.stack([zero, zero, along, whole], axis=-1)


def nucleus(z: np.ndarray, a: np.ndarray) -> np.ndarray:
    """PDG code of nuclei with `z` protons among `a` nucleons."""
    return NUCLEUS + 10_000 * z + 10 * a


def initial_state(
    projectile: np.ndarray, energy: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PDG codes (n, 2), masses (n, 2) [GeV] and four-momenta (n, 2, 4) [GeV] of beam and target."""
    a, z = TARGET_A[target], TARGET_Z[target]
    ids = np.stack([PROJECTILE_IDS[projectile], np.where(a > 1, nucleus(z, a), 2212)], axis=-1)
    masses = np.stack([PROJECTILE_MASS[projectile], target_mass(target)], axis=-1)
    whole = total_momentum(projectile, energy, target)
    still = np.zeros_like(whole)
    still[:, 3] = masses[:, 1]
    return ids, masses, np.stack([whole - still, still], axis=1)
