"""Errors of fluxes at a survey's depth: the formula of Ivezic et al. 2019 (ApJ 873, 111, eqs. 4 and 5)."""

from __future__ import annotations

import numpy as np

ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""

SYSTEMATIC = 0.005
"""Of a magnitude, whatever the flux."""

_SKY = {"u": 0.038}
_SKY_ELSEWHERE = 0.039
OFFSETS = {"u": -0.7, "g": 0.6, "r": 0.7, "i": 0.0, "z": -0.7, "y": -1.9}
"""Ten-year depth of the LSST in each band minus that in i (the same, table 1), mag."""


def flux(magnitude: np.ndarray) -> np.ndarray:
    """nJy of an AB magnitude."""
    return 10.0 ** (-0.4 * (np.asarray(magnitude) - ZERO_POINT))


def magnitude(nanojansky: np.ndarray) -> np.ndarray:
    """AB magnitude of a flux in nJy; NaN where that is not positive."""
    positive = np.asarray(nanojansky) > 0
    return np.where(positive, ZERO_POINT - 2.5 * np.log10(np.where(positive, nanojansky, 1.0)), np.nan)


def flux_error(nanojansky: np.ndarray, depth: np.ndarray | float, band: str) -> np.ndarray:
    """Standard deviation [nJy] of a point source's flux.

    The paper's squared relative error (0.04 - gamma) x + gamma x^2 with x = f5 / f, and the systematic error, as a
    variance of the flux.

    Parameters
    ----------
    nanojansky : ndarray
        True flux.
    depth : float or ndarray
        AB magnitude of a point source with a signal of five standard deviations.
    band : str
    """
    gamma = _SKY.get(band, _SKY_ELSEWHERE)
    least = flux(np.asarray(depth))
    return np.sqrt((0.04 - gamma) * least * nanojansky + gamma * least**2 + (SYSTEMATIC * nanojansky) ** 2)
