"""What a density contrast looks like beyond its power: bispectrum, one-point distribution, peaks, voids, isotropy."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.sparse.csgraph

from .fourier import backward, forward
from .initial_fields import wavenumbers, wavevectors


def smoothed(contrast: np.ndarray, box_size: float, radius: float) -> np.ndarray:
    """The field under a Gaussian of standard deviation `radius` (Mpc/h)."""
    k = wavenumbers(contrast.shape[-1], box_size)
    spectrum = forward(np.asarray(contrast, np.float32)) * np.exp(-0.5 * (k * radius) ** 2)
    return backward(spectrum.astype(np.complex64))


def bispectrum(contrast: np.ndarray, box_size: float, triangles: np.ndarray, width: float) -> np.ndarray:
    """Bispectrum of closed triangles of shells, in (Mpc/h)^6 (estimator of Scoccimarro 2015, arXiv:1506.02729).

    Parameters
    ----------
    contrast : (n, n, n) array
    box_size : float
    triangles : (t, 3) array
        Sides in h/Mpc, each the middle of a shell of `width`; three longest sides together below the mesh's 2 pi n / L.
    """
    size = contrast.shape[-1]
    k = wavenumbers(size, box_size)
    spectrum = forward(np.asarray(contrast, np.float32))
    fields, counts = {}, {}
    for side in np.unique(triangles):
        inside = ((k >= side - width / 2) & (k < side + width / 2)).astype(np.float32)
        fields[side] = backward(spectrum * inside).astype(float)
        counts[side] = backward(inside.astype(np.complex64)).astype(float)
    found = []
    for a, b, c in triangles:
        number = (counts[a] * counts[b] * counts[c]).sum()
        found.append((fields[a] * fields[b] * fields[c]).sum() / number)
    return np.array(found) * box_size**6 / size**9


def peak_heights(contrast: np.ndarray) -> np.ndarray:
    """Values of mesh points above all 26 neighbours, descending."""
    highest = scipy.ndimage.maximum_filter(contrast, size=3, mode="wrap")
    return np.sort(contrast[contrast >= highest])[::-1]


def void_radii(contrast: np.ndarray, box_size: float, threshold: float = -0.7) -> np.ndarray:
    """Radii (Mpc/h) of spheres as large as the connected regions below `threshold`, periodic, descending."""
    labels = np.zeros(contrast.shape, np.int32)
    number = int(scipy.ndimage.label(contrast < threshold, output=labels))  # pyright: ignore[reportArgumentType]
    touching = [
        np.stack((labels.take(0, axis).ravel(), labels.take(-1, axis).ravel())) for axis in range(3)
    ]  # regions on two sides of a face are one
    pairs = np.concatenate(touching, axis=1)
    pairs = pairs[:, (pairs > 0).all(axis=0)]
    graph = scipy.sparse.coo_matrix((np.ones(pairs.shape[1], bool), tuple(pairs)), shape=(number + 1,) * 2)
    _, owner = scipy.sparse.csgraph.connected_components(graph, directed=False)
    volume = np.bincount(owner[labels[labels > 0]]) * (box_size / contrast.shape[-1]) ** 3
    return np.sort((3 * volume[volume > 0] / (4 * np.pi)) ** (1 / 3))[::-1]


def axis_powers(contrast: np.ndarray, box_size: float, low: float, high: float) -> np.ndarray:
    """Mean power of modes between `low` and `high` h/Mpc within 45 degrees of x, y and z: (3,), equal on average."""
    kx, ky, kz = wavevectors(contrast.shape[-1], box_size)
    k = np.sqrt(kx**2 + ky**2 + kz**2)
    ring = (k >= low) & (k < high)
    power = np.abs(forward(np.asarray(contrast, np.float32))).astype(float) ** 2
    means = []
    for component in (kx, ky, kz):
        along = ring & (np.abs(component) > k / np.sqrt(2))
        means.append(power[along].mean())
    return np.array(means) * box_size**3 / contrast.shape[-1] ** 6
