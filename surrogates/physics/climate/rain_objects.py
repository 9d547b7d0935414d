"""Rain areas: connected wet cells on the sphere, and how much neighbouring cells agree."""

from __future__ import annotations

import numpy as np

WET = 1.0 / 86_400.0
"""A wet cell: 1 mm a day, kg m-2 s-1."""


def labelled(wet: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected areas of a map (latitude, longitude) of booleans, across the date line too; 0 is dry."""
    from scipy import ndimage

    labels, count = ndimage.label(wet)  # type: ignore[misc]
    parent = np.arange(count + 1)

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    for west, east in zip(labels[:, 0], labels[:, -1], strict=True):
        if west and east:
            parent[max(root(west), root(east))] = min(root(west), root(east))
    roots = np.array([root(k) for k in range(count + 1)])
    names, renumbered = np.unique(roots, return_inverse=True)
    return renumbered[labels], len(names) - 1  # type: ignore[arg-type, operator]


def object_statistics(rain: np.ndarray, weights: np.ndarray, threshold: float = 5.0 * WET) -> np.ndarray:
    """Number, mean and largest area, and mean elongation of the areas above a threshold.

    Parameters
    ----------
    rain : numpy.ndarray
        (latitude, longitude), kg m-2 s-1.
    weights : numpy.ndarray
        Share of the sphere of each cell.

    Returns
    -------
    numpy.ndarray
        (4,): number; mean and largest area in shares of the sphere; mean of the areas' longitude by latitude extents.
    """
    labels, count = labelled(rain >= threshold)
    if count == 0:
        return np.zeros(4)
    areas = np.bincount(labels.ravel(), weights=weights.ravel(), minlength=count + 1)[1:]
    rows = np.broadcast_to(np.arange(rain.shape[0])[:, None], rain.shape).ravel()
    turn = 2.0 * np.pi * np.broadcast_to(np.arange(rain.shape[1])[None], rain.shape).ravel() / rain.shape[1]
    flat = labels.ravel()
    cells = np.maximum(np.bincount(flat, minlength=count + 1)[1:], 1)
    mean_row = np.bincount(flat, rows, count + 1)[1:] / cells
    height = np.sqrt(np.maximum(np.bincount(flat, rows.astype(float) ** 2, count + 1)[1:] / cells - mean_row**2, 0.0))
    length = np.hypot(
        np.bincount(flat, np.cos(turn), count + 1)[1:] / cells, np.bincount(flat, np.sin(turn), count + 1)[1:] / cells
    )
    width = np.sqrt(np.maximum(-2.0 * np.log(np.clip(length, 1e-9, 1.0)), 0.0)) * rain.shape[1] / (2.0 * np.pi)
    large = cells >= 4
    elongation = float(np.mean((width[large] + 0.3) / (height[large] + 0.3))) if large.any() else 1.0
    return np.array([count, areas.mean(), areas.max(), elongation])


def neighbour_agreement(rain: np.ndarray, threshold: float = WET) -> np.ndarray:
    """Share of neighbouring cells that are both wet or both dry, (…, 2): along longitude and along latitude.

    Parameters
    ----------
    rain : numpy.ndarray
        (…, latitude, longitude), kg m-2 s-1.
    """
    wet = rain >= threshold
    along = (wet == np.roll(wet, 1, -1)).mean((-2, -1))
    across = (wet[..., 1:, :] == wet[..., :-1, :]).mean((-2, -1))
    return np.stack([along, across], -1)
