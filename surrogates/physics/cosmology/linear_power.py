"""Linear matter power today: the transfer function of Eisenstein and Hu (1998, ApJ 496, 605), normalised to sigma_8."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .background import BARYON_DENSITY, CMB_TEMPERATURE, HUBBLE_CONSTANT, SPECTRAL_INDEX, Cosmology


def transfer(wavenumber: np.ndarray, omega_m: float) -> np.ndarray:
    """The transfer function of matter, with acoustic oscillations, at k in h/Mpc (k > 0); equations of the paper."""
    h = HUBBLE_CONSTANT
    matter = omega_m * h**2
    baryons = BARYON_DENSITY * h**2
    share = BARYON_DENSITY / omega_m
    cold = 1 - share
    theta = CMB_TEMPERATURE / 2.7
    k = np.asarray(wavenumber, float) * h  # 1/Mpc

    z_equality = 2.5e4 * matter * theta**-4  # (2)
    k_equality = 7.46e-2 * matter * theta**-2  # (3)
    b1 = 0.313 * matter**-0.419 * (1 + 0.607 * matter**0.674)  # (4)
    b2 = 0.238 * matter**0.223
    z_drag = 1291 * matter**0.251 / (1 + 0.659 * matter**0.828) * (1 + b1 * baryons**b2)

    def ratio(z: float) -> float:
        return 31.5 * baryons * theta**-4 * (1e3 / z)  # (5)

    at_drag, at_equality = ratio(z_drag), ratio(z_equality)
    sound = (  # (6)
        2
        / (3 * k_equality)
        * np.sqrt(6 / at_equality)
        * np.log((np.sqrt(1 + at_drag) + np.sqrt(at_drag + at_equality)) / (1 + np.sqrt(at_equality)))
    )
    silk = 1.6 * baryons**0.52 * matter**0.73 * (1 + (10.4 * matter) ** -0.95)  # (7)
    q = k / (13.41 * k_equality)  # (10)

    a1 = (46.9 * matter) ** 0.670 * (1 + (32.1 * matter) ** -0.532)  # (11)
    a2 = (12.0 * matter) ** 0.424 * (1 + (45.0 * matter) ** -0.582)
    alpha_cold = a1**-share * a2 ** -(share**3)
    c1 = 0.944 / (1 + (458 * matter) ** -0.708)  # (12)
    c2 = (0.395 * matter) ** -0.0266
    beta_cold = 1 / (1 + c1 * (cold**c2 - 1))

    def pressureless(alpha: float, beta: float) -> np.ndarray:
        c = 14.2 / alpha + 386 / (1 + 69.9 * q**1.08)  # (20)
        log = np.log(np.e + 1.8 * beta * q)
        return log / (log + c * q**2)  # (19)

    blend = 1 / (1 + (k * sound / 5.4) ** 4)  # (18)
    of_cold = blend * pressureless(1, beta_cold) + (1 - blend) * pressureless(alpha_cold, beta_cold)  # (17)

    y = (1 + z_equality) / (1 + z_drag)
    root = np.sqrt(1 + y)
    g = y * (-6 * root + (2 + 3 * y) * np.log((root + 1) / (root - 1)))  # (15)
    alpha_baryon = 2.07 * k_equality * sound * (1 + at_drag) ** -0.75 * g  # (14)
    beta_node = 8.41 * matter**0.435  # (23)
    beta_baryon = 0.5 + share + (3 - 2 * share) * np.sqrt((17.2 * matter) ** 2 + 1)  # (24)
    shifted = sound / (1 + (beta_node / (k * sound)) ** 3) ** (1 / 3)  # (22)
    of_baryons = (  # (21)
        pressureless(1, 1) / (1 + (k * sound / 5.2) ** 2)
        + alpha_baryon / (1 + (beta_baryon / (k * sound)) ** 3) * np.exp(-((k / silk) ** 1.4))
    ) * np.sinc(k * shifted / np.pi)
    return share * of_baryons + cold * of_cold  # (16)


def top_hat_variance(wavenumber: np.ndarray, power: np.ndarray, radius: float) -> float:
    """Variance in spheres of `radius` of a field with `power` given on ascending wavenumbers."""
    x = wavenumber * radius
    window = 3 * (np.sin(x) - x * np.cos(x)) / x**3
    return float(np.trapezoid(power * window**2 * wavenumber**3, np.log(wavenumber)) / (2 * np.pi**2))


@lru_cache(maxsize=256)
def _amplitude(omega_m: float) -> float:
    """What k^n T^2 is to be multiplied by for sigma_8 = 1."""
    k = np.geomspace(1e-4, 1e2, 4096)
    return 1 / top_hat_variance(k, k**SPECTRAL_INDEX * transfer(k, omega_m) ** 2, 8.0)


def linear_power(wavenumber: np.ndarray, cosmology: Cosmology) -> np.ndarray:
    """Linear power of matter today in (Mpc/h)^3 at k in h/Mpc; 0 at k = 0.

    The power at redshift z is this times D(z)^2. It lies within 5 % of what Boltzmann codes give.
    """
    k = np.asarray(wavenumber, float)
    safe = np.where(k > 0, k, 1.0)
    power = (
        _amplitude(float(cosmology.omega_m))
        * cosmology.sigma_8**2
        * safe**SPECTRAL_INDEX
        * transfer(safe, cosmology.omega_m) ** 2
    )
    return np.where(k > 0, power, 0.0)
