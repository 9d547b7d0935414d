"""Power spectra and cross-correlations of fields on a periodic cubic mesh, in shells one fundamental mode wide."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .fourier import forward
from .initial_fields import wavenumbers


@lru_cache(maxsize=4)
def _shells(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each mode of the half spectrum: its shell and how many modes of the whole it stands for; of each shell: number
    of modes and mean |k| in fundamental modes. Shell 0 holds the mean, the last what lies beyond the Nyquist mode."""
    k = wavenumbers(size, 2 * np.pi).ravel()
    shell = np.minimum((k + 0.5).astype(np.int32), size // 2 + 1)
    modes = np.full(size // 2 + 1, 2.0)
    modes[0] = modes[-1] = 1.0
    weight = np.broadcast_to(modes, (size, size, size // 2 + 1)).ravel()
    count = np.bincount(shell, weight, size // 2 + 2)
    return shell, weight, count, np.bincount(shell, weight * k, size // 2 + 2) / count


def shells(size: int, box_size: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the shells up to the mesh's Nyquist wavenumber, and the mean ``|k|`` in each, h/Mpc."""
    unit = 2 * np.pi / box_size
    return (np.arange(size // 2 + 1) + 0.5) * unit, _shells(size)[3][1:-1] * unit


def cross_power(first: np.ndarray, second: np.ndarray, box_size: float) -> np.ndarray:
    """Mean of Re(a b*) V / n^6 in shells (see `shells`), in (Mpc/h)^3."""
    a = forward(np.asarray(first, np.float32))
    b = a if second is first else forward(np.asarray(second, np.float32))
    return _averaged(a, b, box_size)


def _averaged(a: np.ndarray, b: np.ndarray, box_size: float) -> np.ndarray:
    size = a.shape[0]
    shell, weight, count, _ = _shells(size)
    product = (a.real * b.real + a.imag * b.imag).ravel()  # type: ignore[attr-defined]
    return (np.bincount(shell, weight * product, size // 2 + 2) / count)[1:-1] * box_size**3 / size**6


def power(field: np.ndarray, box_size: float) -> np.ndarray:
    """Power spectrum in shells (see `shells`), in (Mpc/h)^3."""
    return cross_power(field, field, box_size)


def correlation(first: np.ndarray, second: np.ndarray, box_size: float) -> np.ndarray:
    """The cross-correlation coefficient r(k) in shells: 1 where every phase agrees."""
    a, b = forward(np.asarray(first, np.float32)), forward(np.asarray(second, np.float32))
    own, other = _averaged(a, a, box_size), _averaged(b, b, box_size)
    return _averaged(a, b, box_size) / np.sqrt(own * other)
