"""Jet observables of the constituents: mass, shapes, N-subjettiness; numpy, a chunk of jets at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

CHUNK = 256
"""Jets at a time, so that an array of pairs takes some 2 MB."""


def chunks(n: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cover 0..n."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def in_chunks(function: Callable[[np.ndarray], np.ndarray], constituents: np.ndarray) -> np.ndarray:
    """Apply a function of jets chunk by chunk, so that memory stays flat."""
    if not len(constituents):
        return function(np.zeros((0, *constituents.shape[1:])))
    return np.concatenate([function(constituents[rows]) for rows in chunks(len(constituents))])


def squared_distances(constituents: np.ndarray) -> np.ndarray:
    """Delta R^2 = Delta eta^2 + Delta phi^2 of all pairs, (n, m, m), with Delta phi wrapped."""
    eta, phi = constituents[..., 0], constituents[..., 1]
    delta_eta = eta[:, :, None] - eta[:, None, :]
    delta_phi = np.abs(phi[:, :, None] - phi[:, None, :])
    delta_phi = np.minimum(delta_phi, np.abs(2 * np.pi - delta_phi))
    return delta_eta**2 + delta_phi**2


def four_momentum(constituents: np.ndarray) -> np.ndarray:
    """Sum of the constituents, taken as massless, relative to the jet's pT and axis.

    Parameters
    ----------
    constituents : ndarray
        (n, m, 3).

    Returns
    -------
    ndarray
        (n, 4): px, py, pz, E in units of the jet's pT, in the frame where the jet axis has eta = 0 and phi = 0.
    """
    eta, phi, pt = constituents[..., 0], constituents[..., 1], constituents[..., 2]
    parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
    return np.stack([part.sum(axis=-1) for part in parts], axis=-1)


def relative_mass(constituents: np.ndarray) -> np.ndarray:
    """Invariant mass of the constituents, taken as massless, divided by the jet's pT; (n,).

    JetNet's relative jet mass (Kansal et al. 2021, arXiv:2106.11535, section 4).
    """
    px, py, pz, energy = four_momentum(constituents).T
    return np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))


def pt_sum(constituents: np.ndarray) -> np.ndarray:
    """Scalar sum of pt_rel; (n,). It may exceed 1: momenta across the axis cancel in the jet's pT."""
    return constituents[..., 2].sum(axis=-1)


def multiplicity(constituents: np.ndarray) -> np.ndarray:
    """Constituents with pt_rel > 0; (n,) int64."""
    return (constituents[..., 2] > 0).sum(axis=-1)


def momentum_fractions(constituents: np.ndarray) -> np.ndarray:
    """z_i = pt_i / sum of pt; (n, m)."""
    pt = constituents[..., 2]
    return pt / np.maximum(pt.sum(axis=-1, keepdims=True), 1e-300)


def pt_dispersion(constituents: np.ndarray) -> np.ndarray:
    """p_T^D = sqrt(sum z_i^2); (n,), from 1/sqrt(m) to 1 (CMS, JHEP 04 (2012) 036; arXiv:1202.4083)."""
    return np.sqrt((momentum_fractions(constituents) ** 2).sum(axis=-1))


def angularity(constituents: np.ndarray, beta: float, radius: float = 0.8) -> np.ndarray:
    """Generalised angularity sum z_i (R_i / R0)^beta; (n,) (Larkoski, Thaler, Waalewijn 2014, arXiv:1408.3122).

    Parameters
    ----------
    constituents : ndarray
        (n, m, 3); R_i is the distance to the jet axis.
    beta : float
        1 is the girth, or width; 1/2 the Les Houches angularity.
    radius : float
        R0, the jet radius.
    """
    distance = np.hypot(constituents[..., 0], constituents[..., 1])
    return (momentum_fractions(constituents) * (distance / radius) ** beta).sum(axis=-1)


def girth(constituents: np.ndarray, radius: float = 0.8) -> np.ndarray:
    """Jet width sum z_i R_i / R0; (n,)."""
    return angularity(constituents, 1.0, radius)


def les_houches_angularity(constituents: np.ndarray, radius: float = 0.8) -> np.ndarray:
    """Sum z_i sqrt(R_i / R0); (n,) (Gras et al. 2017, arXiv:1704.03878)."""
    return angularity(constituents, 0.5, radius)


def n_subjettiness(constituents: np.ndarray, most: int = 3, radius: float = 0.8) -> np.ndarray:
    """tau_1 to tau_`most`, beta = 1, on winner-take-all kT axes.

    tau_N = sum_i z_i min_k R_ik / R0 (Thaler, Van Tilburg 2011, arXiv:1011.2268, eq. 2.1-2.2), with axes from exclusive
    kT clustering in the winner-take-all recombination scheme: a merged pair keeps the harder one's direction (Larkoski,
    Neill, Thaler 2014, arXiv:1401.2158). Axes are therefore constituents, and clustering needs one matrix of distances.

    Parameters
    ----------
    constituents : ndarray
        (n, m, 3).
    most : int
        Largest N.
    radius : float
        R0, the jet radius.

    Returns
    -------
    ndarray
        (n, most); 0 where a jet has no more than N constituents.
    """
    return in_chunks(lambda jets: _n_subjettiness(jets, most, radius), constituents)


def _n_subjettiness(jets: np.ndarray, most: int, radius: float) -> np.ndarray:
    n, m, _ = jets.shape
    order = np.argsort(-multiplicity(jets), kind="stable")  # jets that still merge are then the first rows: views
    jets = jets[order]
    pt = jets[..., 2].astype(np.float32)
    distances = squared_distances(jets)
    active = pt > 0
    count = active.sum(axis=1)
    nearest_first = distances.astype(np.float32)
    matrix = np.where(
        (active[:, :, None] & active[:, None, :]) & ~np.eye(m, dtype=bool),
        np.minimum(pt[:, :, None], pt[:, None, :]) ** 2 * nearest_first,
        np.float32(np.inf),
    )
    fractions = momentum_fractions(jets)
    tau = np.zeros((n, most))
    for size in range(m, 0, -1):
        k = int((count >= size).sum())
        if size <= most and k:
            at_axes = np.where(active[:k, None, :], distances[:k], np.inf)
            nearest = np.where(fractions[:k] > 0, np.sqrt(at_axes.min(axis=2)), 0.0)
            tau[:k, size - 1] = (nearest * fractions[:k]).sum(axis=1) / radius
        if size == 1 or not k:
            continue
        rows = np.arange(k)
        first, second = np.divmod(matrix[:k].reshape(k, -1).argmin(axis=1), m)
        swap = pt[rows, first] < pt[rows, second]
        winner, loser = np.where(swap, second, first), np.where(swap, first, second)
        pt[rows, winner] += pt[rows, loser]
        pt[rows, loser] = 0.0
        active[rows, loser] = False
        updated = np.minimum(pt[rows, winner][:, None], pt[:k]) ** 2 * nearest_first[rows, winner]
        updated[~active[:k]] = np.inf
        updated[rows, winner] = np.inf
        matrix[rows, winner, :] = updated
        matrix[rows, :, winner] = updated
        matrix[rows, loser, :] = np.inf
        matrix[rows, :, loser] = np.inf
    result = np.empty_like(tau)
    result[order] = tau
    return result


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 0 where the denominator is 0."""
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.where(denominator > 0, numerator / safe, 0.0)


def mean_image(constituents: np.ndarray, bins: int = 40, extent: float = 0.8) -> np.ndarray:
    """Average pt_rel per pixel of the eta-phi plane; (bins, bins), eta along the first axis."""
    total, _, _ = np.histogram2d(
        constituents[..., 0].ravel(),
        constituents[..., 1].ravel(),
        bins=bins,
        range=[[-extent, extent]] * 2,
        weights=constituents[..., 2].ravel(),
    )
    return total / max(len(constituents), 1)
