"""Which galaxies there are: luminosity functions of red and blue galaxies, spectral types, masses, sizes and shapes.

The luminosity functions have the form and the faint slopes that Faber et al. 2007 (ApJ 665, 265) found in the B band to
redshift 1, with the values that Herbel et al. 2017 (JCAP 08, 035) drew from such surveys, written in powers of 1 + z so
that they go on to redshift 3. Two numbers, the blue galaxies' density and its evolution, were fitted to the i-band
counts of COSMOS2020 (Weaver et al. 2022, ApJS 258, 11, table 2) between i = 21 and 26; nothing else was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import templates

HUBBLE = 0.7
"""H0 / (100 km/s/Mpc) in which the luminosity functions were measured; densities and magnitudes are scaled by it."""

FAINTEST_LUMINOSITY = 1e-5
"""In units of L*; fainter galaxies are left out at any depth."""

_BRIGHTEST = 40.0


@dataclass(frozen=True)
class LuminosityFunction:
    """A Schechter function (1976, ApJ 203, 297) of absolute B magnitudes [AB] that evolves as powers of 1 + z.

    Attributes
    ----------
    magnitude, brightening : float
        M*(z) = magnitude + brightening ln(1 + z).
    density, growth : float
        phi*(z) = density (1 + z)^growth, per Mpc^3 for H0 = 70 km/s/Mpc.
    slope : float
        alpha.
    kinds, shares : tuple of float
        Spectral types in which its galaxies come, and in which shares.
    width : float
        Each type is spread evenly over this range.
    """

    magnitude: float
    brightening: float
    density: float
    growth: float
    slope: float
    kinds: tuple[float, ...]
    shares: tuple[float, ...]
    width: float

    @cached_property
    def _brighter(self) -> tuple[np.ndarray, np.ndarray]:
        """ln x, and the integral of x^alpha e^-x from x up."""
        log = np.linspace(np.log(FAINTEST_LUMINOSITY), np.log(_BRIGHTEST), 4001)
        integrand = np.exp(log * (self.slope + 1) - np.exp(log))
        steps = (integrand[1:] + integrand[:-1]) / 2 * (log[1] - log[0])
        return log, np.concatenate((np.cumsum(steps[::-1])[::-1], [0.0]))

    def brighter_than(self, log_luminosity: np.ndarray) -> np.ndarray:
        """Gamma(alpha + 1, x) of ln x, x in units of L*."""
        return np.interp(log_luminosity, *self._brighter)

    def luminosity_of(self, brighter: np.ndarray) -> np.ndarray:
        """ln x for which `brighter_than` is this."""
        log, integral = self._brighter
        return np.interp(brighter, integral[::-1], log[::-1])

    def bright_magnitude(self, redshift: np.ndarray) -> np.ndarray:
        """M*, mag."""
        return self.magnitude + self.brightening * np.log1p(redshift)

    def faintest(
        self, redshift: np.ndarray, modulus: np.ndarray, kind: np.ndarray, limit: float, band: int
    ) -> np.ndarray:
        """ln L/L* of galaxies of a type at an apparent magnitude.

        Parameters
        ----------
        redshift, modulus, kind : ndarray
            (n,); the distance modulus [mag] is that for H0 = 70 km/s/Mpc.
        limit : float
            AB magnitude.
        band : int
            In the order of `templates.BANDS`.
        """
        absolute = limit - modulus - templates.correction(redshift, kind)[:, band]
        log = 0.4 * np.log(10) * (self.bright_magnitude(redshift) - absolute)
        return np.maximum(log, np.log(FAINTEST_LUMINOSITY))

    def densities(self, redshift: np.ndarray, modulus: np.ndarray, limit: float, band: int) -> np.ndarray:
        """Galaxies of each type brighter than the limit, per (Mpc/h)^3, (n, types); arguments as of `faintest`."""
        star = self.density * (1 + redshift) ** self.growth / HUBBLE**3
        columns = []
        for kind, share in zip(self.kinds, self.shares, strict=True):
            faintest = self.faintest(redshift, modulus, np.full(len(redshift), kind), limit, band)
            columns.append(share * star * self.brighter_than(faintest))
        return np.stack(columns, -1)


RED = LuminosityFunction(-20.37, -1.02, 3.5e-3, -1.1, -0.5, (0.0, 0.3), (0.7, 0.3), 0.0)
BLUE = LuminosityFunction(-20.40, -1.36, 3.87e-3, 0.23, -1.3, (1.0, 1.5, 2.0, 2.5, 3.0), (0.2, 0.2, 0.3, 0.2, 0.1), 0.5)
POPULATIONS = {"red": RED, "blue": BLUE}


def stellar_mass(rest: np.ndarray) -> np.ndarray:
    """log10 of the stellar mass in solar masses, from rest-frame g and i (Taylor et al. 2011, MNRAS 418, 1587, eq. 8).

    Parameters
    ----------
    rest : ndarray
        (n, 6) absolute AB magnitudes in the order of the templates' bands.
    """
    return 1.15 + 0.70 * (rest[:, 1] - rest[:, 3]) - 0.4 * rest[:, 3]


_REDSHIFTS = np.array([0.25, 0.75, 1.25, 1.75, 2.25, 2.75])
_SIZES = {  # van der Wel et al. 2014 (ApJ 788, 28), table 1: log10 kpc at 5e10 solar masses, power of mass, scatter
    "blue": ((0.86, 0.78, 0.70, 0.65, 0.55, 0.51), 0.22, 0.17),
    "red": ((0.60, 0.42, 0.22, 0.09, -0.05, -0.06), 0.75, 0.12),
}
_FLATTER = 10.3  # log10 mass below which red galaxies' sizes follow the blue ones' power of mass


def half_light_radius(mass: np.ndarray, redshift: np.ndarray, red: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Half-light radius along the major axis, kpc: the relations of van der Wel et al. 2014 with log-normal scatter.

    Parameters
    ----------
    mass : ndarray
        (n,) log10 of the stellar mass in solar masses.
    redshift : ndarray
    red : ndarray of bool
    normal : ndarray
        Standard normal numbers.
    """
    found = np.empty(len(mass))
    for name, rows in (("red", red), ("blue", ~red)):
        sizes, slope, scatter = _SIZES[name]
        excess = mass[rows] - np.log10(5e10)
        if name == "red":
            knee = _FLATTER - np.log10(5e10)
            excess = np.maximum(excess, knee) + np.minimum(excess - knee, 0) * _SIZES["blue"][1] / slope
        found[rows] = np.interp(redshift[rows], _REDSHIFTS, sizes) + slope * excess + scatter * normal[rows]
    return 10.0**found


def axis_ratio(red: np.ndarray, uniform: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Minor over major axis of the projected shape.

    Blue galaxies are discs seen from anywhere: thickness and ellipticity of Ryden 2004 (ApJ 601, 214, i band),
    projected by Binney 1985 (MNRAS 212, 767). Red ones have a normal law of mean 0.7 and deviation 0.17 within 0.2 and
    1.

    Parameters
    ----------
    red : ndarray of bool
        (n,).
    uniform, normal : ndarray
        (n, 2).
    """
    thickness = np.clip(0.222 + 0.057 * normal[:, 0], 0.05, 0.95)
    middle = np.clip(1 - np.exp(-1.85 + 0.89 * normal[:, 1]), thickness, 1.0)  # the disc's own axis ratio
    cosine, azimuth = uniform[:, 0], 2 * np.pi * uniform[:, 1]
    sine = np.sqrt(1 - cosine**2)
    a = (1 - (1 - middle**2) * np.sin(azimuth) ** 2) * cosine**2 + thickness**2 * sine**2
    b = (1 - middle**2) * cosine * np.sin(2 * azimuth)
    c = 1 - (1 - middle**2) * np.cos(azimuth) ** 2
    root = np.sqrt((a - c) ** 2 + b**2)
    disc = np.sqrt(np.maximum(a + c - root, 1e-6) / (a + c + root))
    spheroid = 0.7 + 0.17 * normal[:, 0]
    spheroid = np.where((spheroid > 1) | (spheroid < 0.2), 0.4 + 0.6 * uniform[:, 1], spheroid)
    return np.clip(np.where(red, spheroid, disc), 0.06, 1.0)
