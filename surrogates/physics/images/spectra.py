"""Texture of images: power by spatial frequency."""

from __future__ import annotations

import numpy as np


def radial_power(images: np.ndarray, bins: int = 8) -> np.ndarray:
    """Mean power of images (n, y, x) in rings of spatial frequency, (n, bins), in their units squared.

    |FFT|^2 over the number of pixels, of the image less its mean under a Hann window; rings from 0 to half a cycle a
    pixel, the corners beyond left out.
    """
    n, rows, columns = images.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)[None, :]
    middle = images.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.rfft2((images - middle) * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    ring = np.minimum((frequency * 2 * bins).astype(np.int64), bins)
    weight = np.where((np.arange(power.shape[-1]) == 0) | (np.arange(power.shape[-1]) == columns / 2), 1.0, 2.0)
    made = np.empty((n, bins))
    for number in range(bins):
        inside = (ring == number) * weight
        made[:, number] = (power * inside).sum(axis=(1, 2)) / inside.sum()
    return made
