"""Cheap fakes of density fields, made from the truth's own boxes, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr


def shuffled_phases(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every box with its own power to the last mode, and random phases: Gaussian, and not positive."""
    return _each(truth, seed, lambda contrast, noise: _with_power(noise, contrast))


def lognormal(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Lognormal boxes whose Gaussian fields have the power of the logarithm of each box's own density."""

    def made(contrast: np.ndarray, noise: np.ndarray) -> np.ndarray:
        logarithm = np.log(np.maximum(1.0 + contrast, 0.02))
        density = np.exp(_with_power(noise, logarithm - logarithm.mean()))
        return density / density.mean() - 1.0

    return _each(truth, seed, made)


def ranked(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Lognormal boxes with each box's own densities put in place of theirs, in the order of size."""

    def made(contrast: np.ndarray, noise: np.ndarray) -> np.ndarray:
        logarithm = np.log(np.maximum(1.0 + contrast, 0.02))
        field = _with_power(noise, logarithm - logarithm.mean()).ravel()
        found = np.empty(field.size, np.float32)
        found[np.argsort(field)] = np.sort(contrast.ravel())
        return found.reshape(contrast.shape)

    return _each(truth, seed, made)


def smoother(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The truth's own boxes, smoothed by half a mesh spacing."""
    from ....physics.cosmology.density_statistics import smoothed

    return _each(truth, seed, lambda contrast, noise: smoothed(contrast, float(len(contrast)), 0.5))


def _each(truth: xr.Dataset, seed: int, make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> xr.Dataset:
    from ....physics.cosmology.initial_fields import white_noise

    boxes = truth["density_contrast"].values
    made = [
        make(box, white_noise(len(box), seed, int(s))) for box, s in zip(boxes, truth["sample"].values, strict=True)
    ]
    return truth.assign(density_contrast=truth["density_contrast"].copy(data=np.array(made, np.float32)))


def _with_power(noise: np.ndarray, field: np.ndarray) -> np.ndarray:
    """White noise's phases with the field's own amplitude of each mode."""
    from ....physics.cosmology.fourier import backward, forward

    spectrum, phases = forward(np.asarray(field, np.float32)), forward(noise)
    return backward(np.abs(spectrum) * phases / np.maximum(np.abs(phases), 1e-20))


IMPOSTORS = {
    "shuffled phases": shuffled_phases,
    "lognormal": lognormal,
    "lognormal, densities put in order": ranked,
    "smoother by half a point": smoother,
}
"""Name -> maker of the domain's own impostors."""
