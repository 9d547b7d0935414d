"""Fourier transforms of periodic cubic meshes, in the precision of the field."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft


def forward(field: np.ndarray) -> npt.NDArray[np.complexfloating[Any, Any]]:
    """The half spectrum (n, n, n // 2 + 1) of a real field (n, n, n); float32 gives complex64."""
    return np.asarray(scipy.fft.rfftn(np.asarray(field)))


def backward(spectrum: np.ndarray) -> np.ndarray:
    """The real field (n, n, n), n even, of a half spectrum."""
    return np.asarray(scipy.fft.irfftn(spectrum, s=(spectrum.shape[0],) * 3))
