"""Initial fields: Gaussian random fields with the linear power, and the displacements that they grow to."""

from __future__ import annotations

import numpy as np

from .background import Cosmology
from .fourier import backward, forward
from .linear_power import linear_power


def wavevectors(size: int, box_size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """kx, ky, kz (h/Mpc) of a real transform of a cubic mesh, broadcastable, float32."""
    unit = 2 * np.pi / box_size
    full = (np.fft.fftfreq(size, 1 / size) * unit).astype(np.float32)
    half = (np.arange(size // 2 + 1) * unit).astype(np.float32)
    return full[:, None, None], full[None, :, None], half[None, None, :]


def wavenumbers(size: int, box_size: float) -> np.ndarray:
    """``|k|`` (h/Mpc) of a real transform of a cubic mesh."""
    kx, ky, kz = wavevectors(size, box_size)
    return np.sqrt(kx**2 + ky**2 + kz**2)


def white_noise(size: int, seed: int, sample: int) -> np.ndarray:
    """Standard normal numbers (size, size, size), float32, that depend on (seed, sample) alone."""
    key = np.array([seed % 2**64, sample % 2**64], np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.standard_normal((size, size, size), np.float32)


def linear_density(noise: np.ndarray, box_size: float, cosmology: Cosmology) -> np.ndarray:
    """The linear density contrast today that white noise stands for, mean 0, float32.

    Parameters
    ----------
    noise : (n, n, n) array
    box_size : float
        Side in Mpc/h.
    cosmology : Cosmology
    """
    size = noise.shape[-1]
    spectrum = forward(noise)
    # a mode of white noise has variance n^3, one of a field with power P has P n^6 / V
    spectrum *= np.sqrt(linear_power(wavenumbers(size, box_size), cosmology) * size**3 / box_size**3).astype(np.float32)
    return backward(spectrum)


def expected_variance(size: int, box_size: float, cosmology: Cosmology) -> float:
    """Variance of the linear density contrast today on a mesh of `size` points a side in a box of `box_size`."""
    kx, ky, kz = wavevectors(size, box_size)
    weight = np.where((kz == 0) | (np.arange(kz.size) == size // 2), 1, 2)
    return float((weight * linear_power(np.sqrt(kx**2 + ky**2 + kz**2), cosmology)).sum() / box_size**3)


def _inverse_laplacian(size: int, box_size: float) -> np.ndarray:
    squared = wavenumbers(size, box_size) ** 2
    squared[0, 0, 0] = 1
    return (-1 / squared).astype(np.float32)


def _along(vector: np.ndarray, size: int) -> np.ndarray:
    """i k with the Nyquist mode, whose derivative is not real, left out."""
    odd = np.where(np.abs(vector) * (1 + 1e-6) >= np.abs(vector).max(), 0, vector)
    return (1j * odd).astype(np.complex64)


def first_order(density: np.ndarray, box_size: float) -> np.ndarray:
    """The displacement psi1 (n, n, n, 3) in Mpc/h with div psi1 = -density (Zel'dovich 1970), float32."""
    size = density.shape[-1]
    potential = forward(density) * _inverse_laplacian(size, box_size)
    psi = np.empty((*density.shape, 3), np.float32)
    for axis, k in enumerate(wavevectors(size, box_size)):
        psi[..., axis] = backward(-_along(k, size) * potential)
    return psi


def second_order(density: np.ndarray, box_size: float) -> np.ndarray:
    """The displacement psi2 (n, n, n, 3) in Mpc/h whose growth is E, about -3/7 D^2 (Bouchet et al. 1995), float32.

    div psi2 is the sum over pairs i < j of phi_ii phi_jj - phi_ij^2 with phi the inverse Laplacian of the density.
    """
    size = density.shape[-1]
    k = wavevectors(size, box_size)
    potential = forward(density) * _inverse_laplacian(size, box_size)

    def curvature(i: int, j: int) -> np.ndarray:
        return backward(-k[i] * k[j] * potential)

    xx, yy, zz = (curvature(i, i) for i in range(3))
    source = xx * yy + xx * zz + yy * zz
    for i, j in ((0, 1), (0, 2), (1, 2)):
        source -= curvature(i, j) ** 2
    return -first_order(source, box_size)
