"""The expanding background: expansion rate and growth to second order in a flat universe of matter and Lambda."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

HUBBLE_CONSTANT = 0.6736  # in 100 km/s/Mpc; with the two below, Planck 2018 (A&A 641, A6, table 2)
BARYON_DENSITY = 0.0493
SPECTRAL_INDEX = 0.9649
CMB_TEMPERATURE = 2.7255  # kelvin, Fixsen 2009
_FIRST_SCALE_FACTOR = 1e-3
_POINTS = 1025


@lru_cache(maxsize=256)
def _growth_table(omega_m: float) -> np.ndarray:
    """Rows ln a, D, dD/dln a, E, dE/dln a, with D(1) = 1; fourth-order Runge-Kutta from matter domination."""

    def slope(log_a: float, state: np.ndarray) -> np.ndarray:
        first, first_rate, second, second_rate = state
        matter = omega_m * np.exp(-3 * log_a)
        fraction = matter / (matter + 1 - omega_m)
        friction = 2 - 1.5 * fraction  # 2 + dlnH/dlna
        return np.array(
            [
                first_rate,
                1.5 * fraction * first - friction * first_rate,
                second_rate,
                1.5 * fraction * (second - first**2) - friction * second_rate,
            ]
        )

    log_a = np.linspace(np.log(_FIRST_SCALE_FACTOR), 0, _POINTS)
    step = log_a[1] - log_a[0]
    a = _FIRST_SCALE_FACTOR
    state = np.array([a, a, -3 / 7 * a**2, -6 / 7 * a**2])
    states = [state]
    for x in log_a[:-1]:
        k1 = slope(x, state)
        k2 = slope(x + step / 2, state + step / 2 * k1)
        k3 = slope(x + step / 2, state + step / 2 * k2)
        k4 = slope(x + step, state + step * k3)
        state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(state)
    table = np.array(states).T
    today = table[0, -1]
    return np.vstack([log_a, table / np.array([[today], [today], [today**2], [today**2]])])


def growth_factors(omega_m: np.ndarray, redshift: np.ndarray) -> np.ndarray:
    """The linear growth factor D, 1 today, of many flat universes at once (Heath 1977, MNRAS 179, 351, as 2F1)."""
    from scipy.special import hyp2f1

    def unscaled(a: np.ndarray) -> np.ndarray:
        return a * hyp2f1(1 / 3, 1, 11 / 6, -(a**3) * (1 - omega_m) / omega_m)

    return unscaled(1 / (1 + redshift)) / unscaled(np.ones_like(redshift))


@dataclass(frozen=True)
class Cosmology:
    """A flat universe of cold matter, baryons and a cosmological constant.

    Parameters
    ----------
    omega_m : float
        Matter density today in units of the critical density, baryons included.
    sigma_8 : float
        Standard deviation of the linear density contrast in spheres of 8 Mpc/h today.
    """

    omega_m: float
    sigma_8: float

    @cached_property
    def _table(self) -> np.ndarray:
        return _growth_table(float(self.omega_m))

    def expansion_rate(self, redshift: float) -> float:
        """H(z) / H0."""
        return float(np.sqrt(self.omega_m * (1 + redshift) ** 3 + 1 - self.omega_m))

    def _at(self, row: int, redshift: float) -> float:
        """A row of the table, interpolated as a power of the scale factor."""
        log_a = -np.log1p(redshift)
        sign = np.sign(self._table[row, 0])
        return float(sign * np.exp(np.interp(log_a, self._table[0], np.log(sign * self._table[row]))))

    def growth(self, redshift: float) -> float:
        """The linear growth factor D, 1 today."""
        return self._at(1, redshift)

    def growth_rate(self, redshift: float) -> float:
        """f = dln D / dln a."""
        return self._at(2, redshift) / self._at(1, redshift)

    def redshift_of(self, growth: float) -> float:
        """The redshift at which the linear growth factor is `growth`."""
        return float(np.expm1(-np.interp(np.log(growth), np.log(self._table[1]), self._table[0])))

    def second_order(self, growth: float) -> tuple[float, float]:
        """E and dE/dD at linear growth D, of the displacement D psi1 + E psi2; E = -3/7 D^2 in matter domination."""
        if growth == 0:
            return 0.0, 0.0
        redshift = self.redshift_of(growth)
        return self._at(3, redshift), self._at(4, redshift) / self._at(2, redshift)

    def velocity_unit(self, redshift: float) -> float:
        """km/s of peculiar velocity for dx/dD of 1 Mpc/h: a H f D with a = 1/(1 + z)."""
        rate = 100 * self.expansion_rate(redshift) * self.growth_rate(redshift)
        return rate * self.growth(redshift) / (1 + redshift)
