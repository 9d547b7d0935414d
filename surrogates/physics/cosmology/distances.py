"""Comoving distances in a flat universe of matter and Lambda, as a table that is read both ways."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .background import Cosmology

SPEED_OF_LIGHT = 299_792.458
"""km/s."""

HUBBLE_LENGTH = SPEED_OF_LIGHT / 100.0
"""c / H0 in Mpc/h."""

FARTHEST = 12.0
"""Largest redshift of the table."""

_POINTS = 24_001


@lru_cache(maxsize=64)
def _table(omega_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Redshifts, and comoving distances to them [Mpc/h] by Simpson's rule on every step."""
    redshift = np.linspace(0.0, FARTHEST, _POINTS)
    step = redshift[1]
    middle = redshift[:-1] + step / 2

    def slowness(z: np.ndarray) -> np.ndarray:
        return 1.0 / np.sqrt(omega_m * (1 + z) ** 3 + 1 - omega_m)

    steps = (slowness(redshift[:-1]) + 4 * slowness(middle) + slowness(redshift[1:])) * step / 6
    return redshift, HUBBLE_LENGTH * np.concatenate(([0.0], np.cumsum(steps)))


def comoving_distance(redshift: np.ndarray | float, cosmology: Cosmology) -> np.ndarray:
    """Comoving distance [Mpc/h] to redshifts of 0 to 12."""
    table = _table(float(cosmology.omega_m))
    return np.asarray(np.interp(redshift, *table))


def redshift_at(distance: np.ndarray | float, cosmology: Cosmology) -> np.ndarray:
    """Redshift at a comoving distance [Mpc/h]."""
    redshift, distances = _table(float(cosmology.omega_m))
    return np.asarray(np.interp(distance, distances, redshift))


def distance_modulus(redshift: np.ndarray | float, cosmology: Cosmology, hubble: float) -> np.ndarray:
    """m - M [mag] without K-correction, of a luminosity distance in a universe with H0 of 100 `hubble` km/s/Mpc."""
    luminosity = comoving_distance(redshift, cosmology) * (1 + np.asarray(redshift)) / hubble
    return 5 * np.log10(np.maximum(luminosity, 1e-12)) + 25
