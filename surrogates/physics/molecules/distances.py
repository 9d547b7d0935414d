"""Distances between sets of molecules, as MOSES and GuacaMol define them.

MOSES: Polykovskiy et al. 2020, Front. Pharmacol. 11, 565644, arXiv:1811.12823. GuacaMol: Brown et al. 2019, J. Chem.
Inf. Model. 59, 1096, arXiv:1811.09621. Written from the papers; the functions take arrays of numbers, not molecules.
"""

from __future__ import annotations

import numpy as np

_BLOCK = 1024
_FLOOR = 1e-10


def duplicate_share(labels: np.ndarray) -> float:
    """1 - uniqueness: share of molecules (n,) that repeat another one; 0 of none."""
    return 1.0 - len(np.unique(labels)) / len(labels) if len(labels) else 0.0


def known_share(labels: np.ndarray, training: np.ndarray) -> float:
    """1 - novelty: share of the distinct molecules that are among the training ones.

    Parameters
    ----------
    labels : ndarray
        (n,) identities.
    training : ndarray
        (m,) identities, sorted.
    """
    distinct = np.unique(labels)
    if not len(distinct) or not len(training):
        return 0.0
    place = np.minimum(np.searchsorted(training, distinct), len(training) - 1)
    return float((training[place] == distinct).mean())


def similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Tanimoto similarities (n, m) float32 of packed fingerprints (n, b) and (m, b) uint8; 0 of two empty ones."""
    a, b = (np.unpackbits(side, axis=1).astype(np.float32) for side in (first, second))
    shared = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1)[None, :] - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


def nearest_similarity(queries: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Largest similarity of each query to the reference, (n,); its mean is the SNN of MOSES."""
    blocks = range(0, len(queries), _BLOCK)
    found = [similarity(queries[start : start + _BLOCK], reference).max(axis=1) for start in blocks]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


def nearest_other_similarity(fingerprints: np.ndarray) -> np.ndarray:
    """Largest similarity of each molecule to another one of the same set, (n,)."""
    found = np.zeros(len(fingerprints), dtype=np.float32)
    for start in range(0, len(fingerprints), _BLOCK):
        near = similarity(fingerprints[start : start + _BLOCK], fingerprints)
        near[np.arange(len(near)), start + np.arange(len(near))] = -1.0
        found[start : start + _BLOCK] = near.max(axis=1)
    return found


def internal_diversity(fingerprints: np.ndarray) -> float:
    """IntDiv of MOSES with p = 1: 1 - mean similarity of all ordered pairs, a molecule with itself included."""
    if not len(fingerprints):
        return float("nan")
    blocks = range(0, len(fingerprints), _BLOCK)
    total = sum(float(similarity(fingerprints[k : k + _BLOCK], fingerprints).sum(dtype=np.float64)) for k in blocks)
    return 1.0 - total / len(fingerprints) ** 2


def cosine_distance(first: np.ndarray, second: np.ndarray) -> float:
    """1 - cosine similarity of how often each label occurs: MOSES' Frag and Scaff, from 1.

    Parameters
    ----------
    first, second : ndarray
        Labels of any shape and any number, uint64; 0 stands for none.

    Returns
    -------
    float
        1 where a side has no label.
    """
    names, place = np.unique(np.concatenate([first[first != 0], second[second != 0]]), return_inverse=True)
    border = int((first != 0).sum())
    a, b = (np.bincount(side, minlength=len(names)).astype(float) for side in (place[:border], place[border:]))
    length = np.sqrt((a @ a) * (b @ b))
    return 1.0 - float(a @ b / length) if length > 0 else 1.0


def divergence(truth: np.ndarray, samples: np.ndarray) -> float:
    """Kullback-Leibler divergence of a continuous property, GuacaMol's: densities by Gaussian kernels at 1,000 points.

    Parameters
    ----------
    truth, samples : ndarray
        (n,) and (m,).

    Returns
    -------
    float
        nats; infinity where a side is constant or of fewer than two molecules.
    """
    if min(len(truth), len(samples)) < 2 or min(truth.std(), samples.std()) == 0.0:
        return float("inf")
    points = np.linspace(min(truth.min(), samples.min()), max(truth.max(), samples.max()), 1000)
    return _relative_entropy(*(_density(side, points) + _FLOOR for side in (truth, samples)))


def _density(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sum of normal kernels of Scott's width: the sample's deviation times n^(-1/5)."""
    width = values.std(ddof=1) * len(values) ** -0.2
    total = np.zeros(len(points))
    for start in range(0, len(values), _BLOCK):
        total += np.exp(-0.5 * ((points - values[start : start + _BLOCK, None]) / width) ** 2).sum(axis=0)
    return total / (len(values) * width * np.sqrt(2.0 * np.pi))


def _relative_entropy(truth: np.ndarray, samples: np.ndarray) -> float:
    p, q = truth / truth.sum(), samples / samples.sum()
    return float((p * np.log(p / q)).sum())


def counted_divergence(truth: np.ndarray, samples: np.ndarray) -> float:
    """Kullback-Leibler divergence of a counted property, GuacaMol's: ten bins over the truth's range; nats."""
    if not min(len(truth), len(samples)):
        return float("inf")
    true, edges = np.histogram(truth, bins=10)
    found, _ = np.histogram(samples, bins=edges)
    if not found.any():
        return float("inf")
    return _relative_entropy(true / true.sum() + _FLOOR, found / found.sum() + _FLOOR)


def kl_shortfall(divergences: list[float]) -> float:
    """1 - GuacaMol's KL score: 1 - mean exp(-divergence)."""
    return 1.0 - float(np.exp(-np.asarray(divergences)).mean())


def frechet_distance(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
) -> float:
    """Frechet distance of two normal distributions, the square as FCD and FID print it.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson, Landau 1982, J. Multivar. Anal. 12, 450); the trace of the root
    is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which needs no root of a matrix that is not
    symmetric.

    Parameters
    ----------
    first, second : (ndarray, ndarray)
        Mean (k,) and covariance (k, k).
    """
    (mean, covariance), (other_mean, other) = first, second
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    product = root @ other @ root
    roots = np.sqrt(np.clip(np.linalg.eigvalsh(0.5 * (product + product.T)), 0.0, None))
    shift = mean - other_mean
    return float(shift @ shift + np.trace(covariance) + np.trace(other) - 2.0 * roots.sum())
