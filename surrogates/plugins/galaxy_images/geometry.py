"""Shapes of galaxies in numbers: ellipticity, inclination, sizes of the parts, and the stamp that a galaxy needs.

All functions take and give numpy arrays that broadcast. Codes of morphologies are indices into `MORPHOLOGIES`.
"""

from __future__ import annotations

from functools import cache
from math import factorial

import numpy as np

from .variables import MORPHOLOGIES, PIXEL_SCALE, STAMP

SPIRAL, ELLIPTICAL, MERGER, EDGE_ON = range(len(MORPHOLOGIES))

DISC_FLATTENING = 0.2
"""Intrinsic axis ratio of a disc seen exactly from the side (Hubble 1926, ApJ 64, 321)."""

EDGE_ON_FLATTENING = 0.12
EDGE_ON_INCLINATION = 80.0
"""Least inclination of the class edge_on, deg."""

DISC_HALF_LIGHT = 1.678346990016661
"""Half-light radius of an exponential disc, in scale lengths."""

DE_VAUCOULEURS = 7.669249442500805
"""b of the Sersic profile with n = 4: I = exp(-b ((r / r_half)^(1/4) - 1))."""


def axis_ratio(ellipticity: np.ndarray) -> np.ndarray:
    """Minor over major axis, q = (1 - |e|) / (1 + |e|)."""
    return (1.0 - ellipticity) / (1.0 + ellipticity)


def flattening(morphology: np.ndarray) -> np.ndarray:
    """Intrinsic axis ratio q0 of a class; ellipticals and mergers count as spheroids of the disc's."""
    return np.where(np.asarray(morphology) == EDGE_ON, EDGE_ON_FLATTENING, DISC_FLATTENING)


def ellipticity_of(inclination: np.ndarray, morphology: np.ndarray) -> np.ndarray:
    """|e| of an oblate spheroid: q^2 = cos^2 i (1 - q0^2) + q0^2."""
    flat = flattening(morphology) ** 2
    q = np.sqrt(np.cos(np.radians(inclination)) ** 2 * (1.0 - flat) + flat)
    return (1.0 - q) / (1.0 + q)


def inclination_of(ellipticity: np.ndarray, morphology: np.ndarray) -> np.ndarray:
    """Inclination in deg that gives |e|; 90 where the spheroid cannot be so flat."""
    flat = flattening(morphology) ** 2
    squared = (axis_ratio(ellipticity) ** 2 - flat) / (1.0 - flat)
    return np.degrees(np.arccos(np.sqrt(np.clip(squared, 0.0, 1.0))))


def ellipticity_range(morphology: int) -> tuple[float, float]:
    """Smallest and largest |e| that a class can have."""
    if morphology == SPIRAL:
        return 0.0, float(ellipticity_of(np.array(90.0), np.array(SPIRAL)))
    if morphology == EDGE_ON:
        least, most = ellipticity_of(np.array([EDGE_ON_INCLINATION, 90.0]), np.array([EDGE_ON, EDGE_ON]))
        return float(least), float(most)
    return 0.0, 0.9


def stamp_needed(
    half_light_radius: np.ndarray, ellipticity: np.ndarray, psf_fwhm: np.ndarray | float = 0.0
) -> np.ndarray:
    """Side of the smallest stamp for a galaxy, arcsec.

    4.5 half-light radii, the PSF's half width added in quadrature, and 3 half-light radii along the major axis.

    Parameters
    ----------
    half_light_radius : ndarray
        Circularised, arcsec.
    ellipticity : ndarray
    psf_fwhm : ndarray
        Widest PSF of the bands, arcsec; 0 without one.
    """
    along = half_light_radius / np.sqrt(axis_ratio(ellipticity))
    return np.maximum(4.5 * np.hypot(half_light_radius, 0.5 * np.asarray(psf_fwhm)), 3.0 * along)


def stamp_side(pixel_scale: np.ndarray, size: np.ndarray | int = STAMP) -> np.ndarray:
    """Side of the sky that a stamp of so many pixels shows of a galaxy, arcsec: no more than its pixels of 0.1 do."""
    return np.asarray(size) * np.minimum(pixel_scale, PIXEL_SCALE)


# Parts of a disc galaxy --------------------------------------------------------------------------------------------


def bulge_radius(bulge_fraction: np.ndarray, morphology: np.ndarray) -> np.ndarray:
    """Half-light radius of the bulge over the galaxy's; 1 for a galaxy that is all bulge."""
    edge_on = np.asarray(morphology) == EDGE_ON
    fraction = np.asarray(bulge_fraction, dtype=np.float64)
    return np.where(edge_on, 0.7 + 0.3 * fraction**2, 0.35 + 0.65 * fraction**2)


def bulge_ellipticity(ellipticity: np.ndarray, morphology: np.ndarray) -> np.ndarray:
    """|e| of the bulge: half the galaxy's, and a quarter where the disc is seen from the side."""
    return np.asarray(ellipticity) * np.where(np.asarray(morphology) == EDGE_ON, 0.25, 0.5)


def disc_radius(bulge_fraction: np.ndarray, morphology: np.ndarray) -> np.ndarray:
    """Circularised half-light radius of the disc over the galaxy's, such that bulge and disc together have it.

    Solves B/T F_4(r / r_bulge) + (1 - B/T) F_1(r / r_disc) = 1/2 with the enclosed light F_n of a Sersic profile.
    """
    fractions, spiral, edge_on = _disc_radii()
    found = [np.interp(bulge_fraction, fractions, table) for table in (spiral, edge_on)]
    return np.where(np.asarray(morphology) == EDGE_ON, found[1], found[0])


def edge_on_half_light(ellipticity: np.ndarray) -> np.ndarray:
    """Half-light radius of a thick disc seen near its side, in elliptical apertures, over a sheared thin disc's.

    Fitted to `galsim.InclinedExponential` between 78 and 90 deg, to 1 %.
    """
    return 1.09 - 0.42 * (axis_ratio(ellipticity) - EDGE_ON_FLATTENING)


@cache
def _disc_radii() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fractions = np.linspace(0.0, 1.0, 401)
    tables = []
    for morphology in (SPIRAL, EDGE_ON):
        bulge = _de_vaucouleurs_light(1.0 / bulge_radius(fractions, np.full(401, morphology)))
        wanted = (0.5 - fractions * bulge) / np.maximum(1.0 - fractions, 1e-9)
        low, high = np.full(401, 0.05), np.full(401, 50.0)
        for _ in range(80):
            middle = np.sqrt(low * high)
            inside = _exponential_light(DISC_HALF_LIGHT / middle)
            low, high = np.where(inside > wanted, middle, low), np.where(inside > wanted, high, middle)
        middle[-1] = middle[-2]
        tables.append(middle)
    return fractions, tables[0], tables[1]


def _exponential_light(lengths: np.ndarray) -> np.ndarray:
    return 1.0 - np.exp(-lengths) * (1.0 + lengths)


def _de_vaucouleurs_light(radius: np.ndarray) -> np.ndarray:
    x = DE_VAUCOULEURS * radius**0.25
    return 1.0 - np.exp(-x) * sum(x**k / factorial(k) for k in range(8))


# Shear -------------------------------------------------------------------------------------------------------------


def shear(ellipticity: np.ndarray, position_angle: np.ndarray) -> np.ndarray:
    """Area-preserving maps from a round galaxy's frame to the sky, (..., 2, 2), x before y.

    (1 / sqrt(1 - g^2)) [[1 + g cos 2b, g sin 2b], [g sin 2b, 1 - g cos 2b]], as `galsim.Shear(g=, beta=)`.
    """
    g, twice = np.asarray(ellipticity, dtype=np.float64), 2.0 * np.radians(position_angle)
    along, across = g * np.cos(twice), g * np.sin(twice)
    rows = np.stack([np.stack([1.0 + along, across], -1), np.stack([across, 1.0 - along], -1)], -2)
    return rows / np.sqrt(1.0 - g**2)[..., None, None]
