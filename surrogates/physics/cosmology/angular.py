"""Angular clustering of galaxies: Limber's prediction, and the measurement on a square field."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .background import Cosmology
from .distances import HUBBLE_LENGTH, comoving_distance

ARCMIN = np.pi / 180 / 60
"""Radians."""


def limber(
    angle: np.ndarray,
    redshift: np.ndarray,
    weight: np.ndarray,
    power: Callable[[np.ndarray, float], np.ndarray],
    cosmology: Cosmology,
    wavenumber: np.ndarray | None = None,
) -> np.ndarray:
    """Angular correlation of galaxies in Limber's approximation.

    w(theta) = integral dz weight(z)^2 H(z)/c integral dk k / (2 pi) P(k, z) J0(k theta r(z)); Limber 1953 (ApJ 117,
    134) with the power spectrum in place of the correlation function.

    Parameters
    ----------
    angle : ndarray
        Radians.
    redshift : ndarray
        Ascending.
    weight : ndarray
        Bias times the distribution of the galaxies' redshifts, whose integral is 1.
    power : callable
        ``power(k, z)``, matter power [(Mpc/h)^3] at k [h/Mpc].
    cosmology : Cosmology
    wavenumber : ndarray, optional
        h/Mpc, geometric; 1e-4 to 40 by default. Power outside does not count.
    """
    from scipy.special import j0

    k = np.geomspace(1e-4, 40.0, 6000) if wavenumber is None else wavenumber
    projected = np.empty((len(redshift), len(angle)))
    for row, z in enumerate(redshift):
        spectrum = power(k, float(z)) * k**2 * np.exp(-((k / 20) ** 2)) / (2 * np.pi)
        phase = k[None, :] * (np.asarray(angle)[:, None] * float(comoving_distance(z, cosmology)))
        projected[row] = np.trapezoid(spectrum * j0(phase), np.log(k), axis=1)
    rate = np.array([cosmology.expansion_rate(z) for z in redshift]) / HUBBLE_LENGTH
    return np.asarray(np.trapezoid((weight**2 * rate)[:, None] * projected, redshift, axis=0))


def pairs_in_square(side: float, edges: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Which bin of separation each pair of cells of a square falls in, by their shift, and their separation.

    Returns
    -------
    bins : ndarray
        (2 cells, 2 cells) in the order of a Fourier transform, -1 outside all of them.
    separation : ndarray
        In the units of `side`.
    """
    shift = np.fft.fftfreq(2 * cells, 1 / (2 * cells)) * side / cells
    separation = np.hypot(shift[:, None], shift[None, :])
    bins = np.digitize(separation, edges) - 1
    return np.where((bins < 0) | (bins >= len(edges) - 1), -1, bins), separation


def angular_correlation(
    x: np.ndarray, y: np.ndarray, side: float, edges: np.ndarray, cells: int = 240, slab: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Angular correlation in a square field, of the contrast to the field's own mean, from counts in cells.

    Parameters
    ----------
    x, y : ndarray
        Positions in [0, side].
    side : float
    edges : ndarray
        Of the bins of separation, above a few cells.
    cells : int
        A side.
    slab : ndarray, optional
        Number of the slab of the line of sight that each galaxy is in: pairs of one slab alone count then, each slab
        about its own mean. Limber's approximation has no others, and what they add to one field is noise.

    Returns
    -------
    correlation, separation : ndarray
        In each bin; the mean separation is that of the pairs of cells.
    """
    slab = np.zeros(len(x), int) if slab is None else slab
    shape = (2 * cells, 2 * cells)
    power = np.zeros((2 * cells, cells + 1))
    for number in np.unique(slab):
        rows = slab == number
        counts = np.histogram2d(x[rows], y[rows], bins=cells, range=((0, side), (0, side)))[0]
        power += np.abs(np.fft.rfft2((counts - counts.mean()) * (cells**2 / len(x)), s=shape)) ** 2
    products = np.fft.irfft2(power, s=shape)
    pairs = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones((cells, cells)), s=shape)) ** 2, s=shape)
    bins, separation = pairs_in_square(side, edges, cells)
    kept = bins >= 0
    total, number, distance = (
        np.bincount(bins[kept], values[kept], len(edges) - 1) for values in (products, pairs, pairs * separation)
    )
    return total / number, distance / number


def mean_in_square(
    correlation: Callable[[np.ndarray], np.ndarray], side: float, edges: np.ndarray, cells: int = 120
) -> tuple[np.ndarray, float]:
    """What `angular_correlation` would find: means over bins, and over all pairs, which the field's own mean takes off.

    Returns
    -------
    means : ndarray
        Of the correlation in each bin, weighted by pairs.
    constraint : float
        Its mean over all pairs of the square (the integral constraint).
    """
    inside = np.zeros((2 * cells, 2 * cells))
    inside[:cells, :cells] = 1
    pairs = np.fft.irfft2(np.abs(np.fft.rfft2(inside)) ** 2, s=inside.shape)
    bins, separation = pairs_in_square(side, edges, cells)
    values = correlation(np.maximum(separation, 0.52 * side / cells))  # mean distance within one cell
    kept = bins >= 0
    means = np.bincount(bins[kept], (values * pairs)[kept], len(edges) - 1) / np.bincount(
        bins[kept], pairs[kept], len(edges) - 1
    )
    return means, float((values * pairs).sum() / pairs.sum())
