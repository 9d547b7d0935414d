"""Energy flow polynomials with up to four edges, and the energy correlators that they contain.

EFP_G = sum over constituents i_1..i_N of z_{i_1} … z_{i_N} prod over edges (k, l) of theta_{i_k i_l}
(Komiske, Metodiev, Thaler 2018, JHEP 04 (2018) 013, arXiv:1712.07124, eq. 1.1), in the hadronic measure with beta = 1:
z = pt_rel and theta = Delta R. These are the settings of JetNet's W1-EFP and FPD (arXiv:2106.11535, arXiv:2211.10295).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement

import numpy as np

from .observables import in_chunks, ratio, squared_distances

Edges = tuple[tuple[int, int], ...]

GRAPHS: Mapping[str, Edges] = {
    "dot": (),
    "edge": ((0, 1),),
    "double": ((0, 1),) * 2,
    "wedge": ((0, 1), (1, 2)),
    "triple": ((0, 1),) * 3,
    "double-single": ((0, 1), (0, 1), (1, 2)),
    "triangle": ((0, 1), (1, 2), (2, 0)),
    "path-3": ((0, 1), (1, 2), (2, 3)),
    "star-3": ((0, 1), (0, 2), (0, 3)),
    "quadruple": ((0, 1),) * 4,
    "triple-single": ((0, 1), (0, 1), (0, 1), (1, 2)),
    "double-double": ((0, 1), (0, 1), (1, 2), (1, 2)),
    "triangle-double": ((0, 1), (0, 1), (1, 2), (2, 0)),
    "path-3-end-double": ((0, 1), (0, 1), (1, 2), (2, 3)),
    "path-3-middle-double": ((0, 1), (1, 2), (1, 2), (2, 3)),
    "star-3-double": ((0, 1), (0, 1), (0, 2), (0, 3)),
    "square": ((0, 1), (1, 2), (2, 3), (3, 0)),
    "triangle-tail": ((0, 1), (1, 2), (2, 0), (0, 3)),
    "path-4": ((0, 1), (1, 2), (2, 3), (3, 4)),
    "star-4": ((0, 1), (0, 2), (0, 3), (0, 4)),
    "fork": ((0, 1), (0, 2), (0, 3), (3, 4)),
}
"""Edges of the 21 connected multigraphs with at most four edges; "dot" is one vertex."""

PRIME: tuple[str, ...] = tuple(GRAPHS)
"""Names of the connected (prime) polynomials, the columns of `prime_polynomials`."""

JETNET_W1: tuple[str, ...] = (
    "path-3-end-double",
    "path-3-middle-double",
    "star-3-double",
    "square",
    "triangle-tail",
)
"""The five prime polynomials with four vertices and four edges: JetNet's W1-EFP set (arXiv:2106.11535, section 5)."""


def _composites() -> tuple[tuple[str, ...], ...]:
    degree = {name: len(edges) for name, edges in GRAPHS.items() if edges}
    return tuple(
        product
        for factors in (2, 3, 4)
        for product in combinations_with_replacement(degree, factors)
        if sum(degree[name] for name in product) <= 4
    )


COMPOSITE: tuple[tuple[str, ...], ...] = _composites()
"""Products of prime polynomials with at most four edges in all: the 15 disconnected multigraphs."""


def prime_polynomials(constituents: np.ndarray) -> np.ndarray:
    """The 21 prime polynomials; (n, 21) in the order of `PRIME`.

    Sums over vertices are contracted by hand, with v_k = sum_j z_j theta_ij^k, u = sum_j theta_ij z_j v_1j and
    M_ij = sum_k theta_ik z_k theta_kj: a jet costs one 30 x 30 matrix product instead of 30^5 terms.

    Parameters
    ----------
    constituents : ndarray
        (n, m, 3).
    """
    return in_chunks(_prime_polynomials, constituents)


def _prime_polynomials(jets: np.ndarray) -> np.ndarray:
    z = jets[..., 2]
    squared = squared_distances(jets)
    theta = np.sqrt(squared)

    def spread(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (matrix @ values[..., None])[..., 0]

    v1, v2 = spread(theta, z), spread(squared, z)
    v3, v4 = spread(squared * theta, z), spread(squared * squared, z)
    zv1 = z * v1
    u = spread(theta, zv1)
    u2 = spread(squared, zv1)
    two_steps = (theta * z[:, None, :]) @ theta
    closed = theta * two_steps
    t = spread(closed, z)
    values = {
        "dot": z,
        "edge": zv1,
        "double": z * v2,
        "wedge": zv1 * v1,
        "triple": z * v3,
        "double-single": zv1 * v2,
        "triangle": z * t,
        "path-3": zv1 * u,
        "star-3": zv1 * v1**2,
        "quadruple": z * v4,
        "triple-single": zv1 * v3,
        "double-double": z * v2**2,
        "triangle-double": z * spread(theta * closed, z),
        "path-3-end-double": z * v2 * u,
        "path-3-middle-double": zv1 * u2,
        "star-3-double": zv1 * v1 * v2,
        "square": z * spread(two_steps**2, z),
        "triangle-tail": zv1 * t,
        "path-4": z * u**2,
        "star-4": z * v1**4,
        "fork": zv1 * v1 * u,
    }
    return np.stack([values[name].sum(axis=-1) for name in PRIME], axis=-1)


def energy_flow_polynomials(constituents: np.ndarray) -> np.ndarray:
    """All 36 polynomials with at most four edges; (n, 36), prime ones first, then `COMPOSITE`.

    The features that JetNet recommends for FPD and KPD (arXiv:2211.10295, section 4).
    """
    prime = prime_polynomials(constituents)
    column = {name: prime[:, i] for i, name in enumerate(PRIME)}
    products = [np.prod([column[name] for name in factors], axis=0) for factors in COMPOSITE]
    return np.concatenate([prime, np.stack(products, axis=-1)], axis=-1)


def energy_correlators(constituents: np.ndarray, prime: np.ndarray | None = None) -> np.ndarray:
    """Normalised e2, e3 and D2 = e3 / e2^3 with beta = 1; (n, 3).

    e2 = sum_{i<j} z_i z_j theta_ij, e3 = sum_{i<j<k} z_i z_j z_k theta_ij theta_jk theta_ki with z = pt / sum of pt
    (Larkoski, Moult, Neill 2014, arXiv:1409.6298, eq. 1.1-1.3): half the edge and a sixth of the triangle.

    Parameters
    ----------
    constituents : ndarray
        (n, m, 3).
    prime : ndarray, optional
        `prime_polynomials` of the same jets, where they are at hand.
    """
    if prime is None:
        prime = prime_polynomials(constituents)
    total = np.maximum(prime[:, PRIME.index("dot")], 1e-300)
    e2 = prime[:, PRIME.index("edge")] / (2 * total**2)
    e3 = prime[:, PRIME.index("triangle")] / (6 * total**3)
    return np.stack([e2, e3, ratio(e3, e2**3)], axis=-1)
