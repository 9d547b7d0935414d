"""Four-vectors (px, py, pz, E) in NumPy: sums, masses, Lorentz transformations, production frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

PARENTS = (-1, 1)
"""Values of `parent` for the products of the tau- and of the tau+, in the order of the `tau` dimension."""


def four_momenta(events: Mapping[str, np.ndarray], prefix: str = "") -> np.ndarray:
    """Four-momenta (…, 4) in the order (px, py, pz, E), GeV, of the columns ``prefix + "px"`` etc."""
    return np.stack([np.asarray(events[prefix + name], dtype=np.float64) for name in ("px", "py", "pz", "E")], axis=-1)


def invariant_mass(momentum: np.ndarray) -> np.ndarray:
    """Mass [GeV] of four-vectors (…, 4); space-like rounding is cut at 0."""
    squared = momentum[..., 3] ** 2 - (momentum[..., :3] ** 2).sum(-1)
    return np.sqrt(np.maximum(squared, 0.0))


def momentum_size(momentum: np.ndarray) -> np.ndarray:
    """Length of the three-momentum of four-vectors (…, 4)."""
    return np.sqrt((momentum[..., :3] ** 2).sum(-1))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Three-vectors (…, 3) scaled to length 1; zero vectors stay zero."""
    length = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return vectors / np.where(length > 0, length, 1.0)


def angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle [rad] between three-vectors (…, 3), accurate also near 0 and pi."""
    cross = np.sqrt((np.cross(first, second) ** 2).sum(-1))
    return np.arctan2(cross, (first * second).sum(-1))


def boost_to_rest_frame(momentum: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Four-vectors `momentum` (…, 4) seen in the rest frame of the massive four-vectors `frame` (…, 4)."""
    mass = invariant_mass(frame)
    mass = np.where(mass > 0, mass, np.nan)
    energy = (frame[..., 3] * momentum[..., 3] - (frame[..., :3] * momentum[..., :3]).sum(-1)) / mass
    factor = (momentum[..., 3] + energy) / (frame[..., 3] + mass)
    return np.concatenate([momentum[..., :3] - factor[..., None] * frame[..., :3], energy[..., None]], axis=-1)


def boost_matrix(frame: np.ndarray) -> np.ndarray:
    """Lorentz matrices (n, 4, 4) that take four-vectors (px, py, pz, E) to the rest frames of `frame` (n, 4)."""
    mass = invariant_mass(frame)
    velocity = frame[:, :3] / mass[:, None]
    gamma = frame[:, 3] / mass
    matrix = np.zeros((len(frame), 4, 4))
    matrix[:, :3, :3] = np.eye(3) + velocity[:, :, None] * velocity[:, None, :] / (1.0 + gamma)[:, None, None]
    matrix[:, :3, 3] = matrix[:, 3, :3] = -velocity
    matrix[:, 3, 3] = gamma
    return matrix


def beam_in_pair_frame(taus: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Electron beam direction (n, 3) and the taus (n, 2, 4), both in the tau pair's rest frame.

    The beam is the light-like vector (0, 0, 1, 1), the electron's direction whatever collinear radiation carries off.
    """
    pair = taus.sum(axis=1)
    beam = boost_to_rest_frame(np.broadcast_to(np.array([0.0, 0.0, 1.0, 1.0]), pair.shape), pair)
    return unit(beam[:, :3]), boost_to_rest_frame(taus, pair[:, None, :])


def production_axes(taus: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes of tau-pair production.

    Parameters
    ----------
    taus : numpy.ndarray
        (n, 2, 4) four-momenta of tau-, tau+ in the laboratory, the electron beam along +z.

    Returns
    -------
    axes : numpy.ndarray
        (n, 3, 3), rows x, y, z in the tau-pair rest frame: z along the tau-, y along (electron beam) x z, x = y x z, so
        that x lies in the production plane.
    in_pair : numpy.ndarray
        (n, 2, 4) the taus in the pair's rest frame.
    """
    beam, in_pair = beam_in_pair_frame(taus)
    z = unit(in_pair[:, 0, :3])
    y = unit(np.cross(beam, z))
    return np.stack([np.cross(y, z), y, z], axis=1), in_pair


def tau_frames(taus: np.ndarray, side: int) -> np.ndarray:
    """Matrices (n, 4, 4) from the laboratory to the rest frame of tau `side` (0: tau-, 1: tau+).

    The spatial axes are those of `production_axes`, the same for both taus.
    """
    axes, in_pair = production_axes(taus)
    rotation = np.zeros((len(taus), 4, 4))
    rotation[:, :3, :3] = axes
    rotation[:, 3, 3] = 1.0
    to_pair = boost_matrix(taus.sum(axis=1))
    turned = np.einsum("nij,nj->ni", rotation, in_pair[:, side])
    return boost_matrix(turned) @ rotation @ to_pair
