"""How much noise an epsilon takes, and what was spent; and an audit that a mechanism leaks no more than it says.

The accountants are Opacus': Renyi differential privacy (Mironov et al. 2019, arXiv:1908.10530) to solve for the noise,
and numerically composed privacy loss (Gopi et al. 2021, arXiv:2106.02848) to state what was spent. Neighbours differ by
one sample added or removed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..contract.errors import SchemaError

WORST_RATIO = 0.25
"""Noise of an update's gradient, in units of the clipping norm, above which nothing is learned."""


def epsilon_of(noise: float, rate: float, updates: int, delta: float) -> float:
    """Epsilon of so many noisy updates at `delta`.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, in units of the clipping norm.
    rate : float
        Probability that a sample is in a batch.
    updates : int
    delta : float
    """
    if updates == 0:
        return 0.0
    if noise <= 0.0:
        return math.inf
    accountant = _accountants().PRVAccountant()
    accountant.history = [(noise, rate, updates)]
    return float(accountant.get_epsilon(delta=delta, eps_error=0.02))


def renyi_epsilon(noise: float, rate: float, updates: int, delta: float) -> float:
    """The same by Renyi differential privacy: a little more, and much sooner."""
    accountant = _accountants().RDPAccountant()
    accountant.history = [(noise, rate, updates)]
    return float(accountant.get_epsilon(delta=delta))


def noise_for(rate: float, updates: int, samples: int, *, epsilon: float, delta: float) -> float:
    """The least noise multiplier, to a thousandth, whose epsilon is no more than asked.

    Raises
    ------
    SchemaError
        A delta that is not below 1/n, an epsilon that is not above 0, or a cohort too small for the asked epsilon; it
        says what is possible.
    """
    if not epsilon > 0.0:
        raise SchemaError.about("epsilon", f"{epsilon:g}", "a number above 0", value=epsilon)
    if not 0.0 < delta < 1.0 / samples:
        expected = f"above 0 and below 1 over the {samples} samples, {1 / samples:.3g}"
        raise SchemaError.about("delta", f"{delta:g}", expected, value=delta)
    most = WORST_RATIO * rate * samples
    low, high = 0.2, 1.0
    if renyi_epsilon(most, rate, updates, delta) > epsilon:
        possible = renyi_epsilon(most, rate, updates, delta)
        raise SchemaError.about(
            "epsilon",
            f"{epsilon:g} with {samples} samples, {rate * samples:.0f} a batch and {updates} updates needs so much "
            "noise that nothing is learned",
            f"{possible:.2g} or more, more samples, larger batches or fewer updates",
            value=epsilon,
        )
    while renyi_epsilon(high, rate, updates, delta) > epsilon:
        low, high = high, 2.0 * high
    for spent, to in ((renyi_epsilon, 0.02), (epsilon_of, 1e-3)):  # the first is quick, the second says less
        while high - low > to * high:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if spent(middle, rate, updates, delta) > epsilon else (low, middle)
        low = max(0.8 * high, 0.2)
    return round(high + 5e-4, 3)


def _accountants() -> Any:
    try:
        from opacus import accountants
    except ImportError as error:
        raise SchemaError(
            "privacy: the accountant needs opacus, which is not installed; pip install 'surrogates[private]'"
        ) from error
    return accountants


def audited_epsilon(scores: np.ndarray, included: np.ndarray, delta: float, *, confidence: float = 0.95) -> float:
    """A lower bound on epsilon from one run in which each canary was included by a coin.

    The auditor says "included" of the canaries that score highest, "left out" of those that score lowest, and nothing
    of the rest; what an (epsilon, delta) mechanism can get right of r guesses is bounded. The bound is taken at several
    r and shared among them.

    Parameters
    ----------
    scores : ndarray
        (m,) high where a canary seems to have been included.
    included : ndarray
        (m,) bool, the coins.
    delta : float
    confidence : float

    Returns
    -------
    float
        No mechanism of a smaller epsilon does as well with more than 1 - `confidence`; 0 where nothing is seen.

    References
    ----------
    Steinke, Nasr, Jagielski 2023, "Privacy auditing with one (1) training run", arXiv:2305.08846, theorem 5.2 and
    appendix D, whose computation this is.
    """
    m = len(scores)
    order = np.argsort(scores, kind="stable")
    tries = sorted({r for r in (20, 40, 80, m // 8, m // 4, m // 2, m) if 2 <= r <= m})
    best = 0.0
    for guesses in tries:
        most = guesses // 2
        right = int(included[order[m - (guesses - most) :]].sum() + (~included[order[:most]]).sum())
        best = max(best, _lower_bound(m, guesses, right, delta, (1.0 - confidence) / len(tries)))
    return best


def _lower_bound(m: int, guesses: int, right: int, delta: float, p: float) -> float:
    low, high = 0.0, 1.0
    if _p_value(m, guesses, right, 0.0, delta) > p:
        return 0.0
    while _p_value(m, guesses, right, high, delta) < p and high < 60.0:
        low, high = high, high + 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _p_value(m, guesses, right, middle, delta) < p else (low, middle)
    return low


def _p_value(m: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """Probability bound that an (epsilon, delta) mechanism has `right` of `guesses` right."""
    from scipy.stats import binom

    share = 1.0 / (1.0 + math.exp(-epsilon))
    beta = float(binom.sf(right - 1, guesses, share))
    if delta == 0.0:
        return min(beta, 1.0)
    steps = np.arange(1, right + 1)
    mass = np.cumsum(binom.pmf(right - steps, guesses, share))
    alpha = float(np.max(mass / steps, initial=0.0))
    return min(beta + alpha * delta * 2.0 * m, 1.0)
