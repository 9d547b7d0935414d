"""Distances between two sets of jets as JetNet defines them: W1, Frechet and kernel physics distances, coverage, MMD.

Definitions: W1M, W1P, W1EFP, coverage and minimum matching distance, Kansal et al. 2021 (arXiv:2106.11535), section 5;
FPD and KPD, Kansal et al. 2023 (arXiv:2211.10295), section 4. Functions return a mean and a standard deviation; every
random draw comes from a seed.
"""

from __future__ import annotations

import numpy as np

from .energy_flow import JETNET_W1, PRIME, prime_polynomials
from .observables import chunks, relative_mass, squared_distances


def wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """1-Wasserstein distance of two samples: the distance of their quantile functions, integrated over probability.

    Parameters
    ----------
    first, second : ndarray
        (n,) and (m,) values, at least one each.
    """
    first, second = np.sort(first), np.sort(second)
    n, m = len(first), len(second)
    if n == 0 or m == 0:
        raise ValueError(f"samples of {n} and {m} values: expected at least one each")
    if n == m:
        return float(np.abs(first.astype(np.float64) - second).mean())
    levels = np.sort(np.concatenate([np.arange(n + 1) / n, np.arange(1, m) / m]))
    middle = 0.5 * (levels[1:] + levels[:-1])
    a = first[np.minimum((middle * n).astype(np.int64), n - 1)].astype(np.float64)
    b = second[np.minimum((middle * m).astype(np.int64), m - 1)]
    return float((np.abs(a - b) * np.diff(levels)).sum())


def _draws(n_first: int, n_second: int, size: int | None, batches: int, seed: int):
    generator = np.random.default_rng(seed)
    size = size or min(n_first, n_second)
    for _ in range(batches):
        yield generator.integers(0, n_first, size), generator.integers(0, n_second, size)


def w1_mass(
    first: np.ndarray, second: np.ndarray, *, batches: int = 5, batch_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """W1M: 1-Wasserstein distance of the relative jet masses of the constituents.

    Parameters
    ----------
    first, second : ndarray
        (n, m, 3) constituents.
    batches, batch_size : int
        Bootstrap batches, and jets in each (all by default).
    seed : int

    Returns
    -------
    tuple of float
        Mean and standard deviation over the batches.
    """
    a, b = relative_mass(first), relative_mass(second)
    values = [wasserstein(a[i], b[j]) for i, j in _draws(len(a), len(b), batch_size, batches, seed)]
    return float(np.mean(values)), float(np.std(values))


def w1_constituents(
    first: np.ndarray, second: np.ndarray, *, batches: int = 5, batch_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """W1P: 1-Wasserstein distance of eta_rel, phi_rel and pt_rel of all constituents, averaged over the three.

    Parameters and returns as `w1_mass`; the standard deviation is the quadratic sum of the three, as in JetNet.
    """
    values = [
        [wasserstein(a, b) for a, b in zip(features(first[i]), features(second[j]), strict=True)]
        for i, j in _draws(len(first), len(second), batch_size, batches, seed)
    ]
    return float(np.mean(values)), float(np.linalg.norm(np.std(values, axis=0)))


def features(constituents: np.ndarray) -> np.ndarray:
    """eta_rel, phi_rel, pt_rel of the constituents of all jets without the padding; (3, total)."""
    return constituents[constituents[..., 2] > 0].T


def w1_energy_flow(
    first: np.ndarray, second: np.ndarray, *, batches: int = 5, batch_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """W1EFP: 1-Wasserstein distance of the five prime polynomials of four vertices and four edges, averaged.

    Parameters and returns as `w1_constituents`.
    """
    columns = [PRIME.index(name) for name in JETNET_W1]
    a, b = prime_polynomials(first)[:, columns], prime_polynomials(second)[:, columns]
    values = [
        [wasserstein(a[i, k], b[j, k]) for k in range(len(columns))]
        for i, j in _draws(len(a), len(b), batch_size, batches, seed)
    ]
    return float(np.mean(values)), float(np.linalg.norm(np.std(values, axis=0)))


def frechet_distance(
    mean_1: np.ndarray, covariance_1: np.ndarray, mean_2: np.ndarray, covariance_2: np.ndarray
) -> float:
    """Frechet distance of two Gaussians, from their means mu and covariances C.

    Dowson, Landau 1982, J. Multivar. Anal. 12, 450. The trace of the root is that of (R C_2 R)^(1/2), a symmetric
    matrix, with R = C_1^(1/2).
    """
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariance_2 @ root)
    difference = mean_1 - mean_2
    trace = np.trace(covariance_1) + np.trace(covariance_2) - 2 * np.sqrt(np.maximum(product, 0.0)).sum()
    return float(difference @ difference + trace)


def _normalised(truth: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    largest = np.abs(truth).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    return truth / largest, samples / largest


def _weighted_moments(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = weights.sum()
    mean = weights @ values / total
    centred = values - mean
    return mean, (centred * weights[:, None]).T @ centred / (total - 1)


def frechet_physics_distance(
    truth: np.ndarray,
    samples: np.ndarray,
    *,
    min_samples: int = 20_000,
    max_samples: int = 50_000,
    batches: int = 20,
    points: int = 10,
    seed: int = 0,
) -> tuple[float, float]:
    """FPD: Frechet distance of features scaled by the truth's largest value, extrapolated to infinitely many samples.

    The finite-sample bias falls as 1/N: the distance is averaged over bootstrap batches of several sizes, at equal
    steps of 1/N, and a line is fitted; its value at 1/N = 0, not below 0, is the FPD.

    Parameters
    ----------
    truth, samples : ndarray
        (n, k) and (m, k) features; the 36 energy flow polynomials for the published figure.
    min_samples, max_samples : int
        Smallest and largest batch; cut to 40 % and 100 % of the smaller side where that holds fewer jets.
    batches, points : int
        Batches a size, and sizes.
    seed : int

    Returns
    -------
    tuple of float
        FPD and the fit's standard error.
    """
    a, b = _normalised(np.asarray(truth, dtype=np.float64), np.asarray(samples, dtype=np.float64))
    max_samples = min(max_samples, len(a), len(b))
    min_samples = min(min_samples, max(2, int(0.4 * max_samples)))
    generator = np.random.default_rng(seed)
    sizes = (1 / np.linspace(1 / min_samples, 1 / max_samples, points)).astype(np.int64)
    means = []
    for size in sizes:
        distances = []
        for _ in range(batches):
            moments = [
                _weighted_moments(x, np.bincount(generator.integers(0, len(x), size), minlength=len(x)).astype(float))
                for x in (a, b)
            ]
            distances.append(frechet_distance(*moments[0], *moments[1]))
        means.append(np.mean(distances))
    return _intercept(1 / sizes, np.asarray(means))


def _intercept(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Value at 0 of the least-squares line, not below 0, and its standard error."""
    design = np.stack([np.ones_like(x), x], axis=-1)
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    scatter = ((y - design @ solution) ** 2).sum() / max(len(x) - 2, 1)
    error = np.sqrt(scatter * np.linalg.pinv(design.T @ design)[0, 0])
    return float(max(solution[0], 0.0)), float(error)


def kernel_physics_distance(
    truth: np.ndarray, samples: np.ndarray, *, batches: int = 10, batch_size: int = 5_000, seed: int = 0
) -> tuple[float, float]:
    """KPD: unbiased squared MMD with the kernel (x.y / k + 1)^4 of features scaled as for the FPD.

    Parameters
    ----------
    truth, samples : ndarray
        (n, k) and (m, k) features.
    batches, batch_size : int
        Bootstrap batches and jets in each.
    seed : int

    Returns
    -------
    tuple of float
        Median over the batches, and half the range from 16 % to 84 %.
    """
    a, b = _normalised(np.asarray(truth, dtype=np.float64), np.asarray(samples, dtype=np.float64))
    size = min(batch_size, len(a), len(b))
    values = [_squared_mmd(a[i], b[j]) for i, j in _draws(len(a), len(b), size, batches, seed)]
    low, high = np.percentile(values, [16.275, 83.725])
    return float(np.median(values)), float((high - low) / 2)


def _squared_mmd(a: np.ndarray, b: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        values = x @ y.T / x.shape[1] + 1
        values *= values
        return np.square(values, out=values)

    within = 0.0
    for x in (a, b):
        gram = kernel(x, x)
        within += (gram.sum() - np.trace(gram)) / (len(x) * (len(x) - 1))
    return float(within - 2 * kernel(a, b).mean())


def neighbourhood_coverage(
    truth: np.ndarray, samples: np.ndarray, *, neighbours: int = 5, most: int = 2_000, seed: int = 0
) -> float:
    """Share of truth points with a sample nearer than their k-th truth neighbour (Naeem et al. 2020, arXiv:2002.09797).

    Parameters
    ----------
    truth, samples : ndarray
        (n, k) and (m, k) features; scaled here by the truth's standard deviation.
    neighbours : int
        k.
    most : int
        Points taken of each side, the first ones of a seeded permutation.
    """
    spread = truth.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    generator = np.random.default_rng(seed)
    size = min(most, len(truth), len(samples))
    a = truth[generator.permutation(len(truth))[:size]] / spread
    b = samples[generator.permutation(len(samples))[:size]] / spread
    neighbours = min(neighbours, size - 1)
    reach = np.partition(_squared_euclidean(a, a), neighbours, axis=1)[:, neighbours]
    return float((_squared_euclidean(a, b).min(axis=1) < reach).mean())


def _squared_euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T, 0.0)


def energy_movers_distances(
    first: np.ndarray, second: np.ndarray, *, sharpness: float = 300.0, iterations: int = 100
) -> np.ndarray:
    """Energy mover's distances of pairs of jets, R = 1 (Komiske, Metodiev, Thaler 2019, arXiv:1902.02346, eq. 1).

    Solved by Sinkhorn iterations (Cuturi 2013) and rounded to a feasible plan (Altschuler, Weed, Rigollet 2017,
    arXiv:1705.09634, algorithm 2), so that the value is that of a transport plan: an upper bound, some per cent
    above the optimum. The difference in pt goes to a reservoir at distance 1, as in the EnergyFlow package.

    Parameters
    ----------
    first, second : ndarray
        (p, m, 3) constituents; pair i is first[i], second[i].
    sharpness : float
        Inverse entropic regularisation.
    iterations : int
        Sinkhorn steps.

    Returns
    -------
    ndarray
        (p,) in units of the jets' pT.
    """
    result = np.empty(len(first))
    for rows in chunks(len(first)):
        result[rows] = _energy_movers(first[rows], second[rows], sharpness, iterations)
    return result


def _energy_movers(first: np.ndarray, second: np.ndarray, sharpness: float, iterations: int) -> np.ndarray:
    n, m, _ = first.shape
    supply, demand = np.zeros((n, m + 1)), np.zeros((n, m + 1))
    supply[:, :m], demand[:, :m] = first[..., 2], second[..., 2]
    excess = supply.sum(axis=1) - demand.sum(axis=1)
    supply[:, m], demand[:, m] = np.maximum(-excess, 0.0), np.maximum(excess, 0.0)
    cost = np.ones((n, m + 1, m + 1))
    cost[:, :m, :m] = np.sqrt(squared_distances(np.concatenate([first, second], axis=1))[:, :m, m:])
    cost[:, m, m] = 0.0
    kernel = np.exp(-sharpness * np.minimum(cost, 1.5))
    u, v = np.ones_like(supply), np.ones_like(demand)
    transposed = np.ascontiguousarray(kernel.swapaxes(1, 2))
    for _ in range(iterations):
        u = supply / np.maximum((kernel @ v[..., None])[..., 0], 1e-300)
        v = demand / np.maximum((transposed @ u[..., None])[..., 0], 1e-300)
    plan = u[:, :, None] * kernel * v[:, None, :]
    plan *= np.minimum(supply / np.maximum(plan.sum(axis=2), 1e-300), 1.0)[:, :, None]
    plan *= np.minimum(demand / np.maximum(plan.sum(axis=1), 1e-300), 1.0)[:, None, :]
    left, short = supply - plan.sum(axis=2), demand - plan.sum(axis=1)
    plan += left[:, :, None] * short[:, None, :] / np.maximum(left.sum(axis=1), 1e-300)[:, None, None]
    return (plan * cost).sum(axis=(1, 2))


def coverage_and_matching(
    truth: np.ndarray, samples: np.ndarray, *, batches: int = 10, batch_size: int = 100, seed: int = 0
) -> tuple[tuple[float, float], tuple[float, float]]:
    """JetNet's coverage and minimum matching distance, with energy mover's distances.

    Coverage is the share of truth jets that are the nearest one of some sample; the minimum matching distance is the
    mean distance from a truth jet to its nearest sample.

    Parameters
    ----------
    truth, samples : ndarray
        (n, m, 3) constituents.
    batches, batch_size : int
        Batches, and jets of each side in a batch.
    seed : int

    Returns
    -------
    tuple of (mean, standard deviation)
        Coverage; minimum matching distance.
    """
    covered, matched = [], []
    for i, j in _draws(len(truth), len(samples), min(batch_size, len(truth), len(samples)), batches, seed):
        size = len(i)
        pairs = np.repeat(i, size), np.tile(j, size)
        distances = energy_movers_distances(truth[pairs[0]], samples[pairs[1]]).reshape(size, size)
        covered.append(len(np.unique(distances.argmin(axis=0))) / size)
        matched.append(distances.min(axis=1).mean())
    return (float(np.mean(covered)), float(np.std(covered))), (float(np.mean(matched)), float(np.std(matched)))
