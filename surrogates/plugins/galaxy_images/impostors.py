"""Cheap fakes of galaxy images, made from the truth, which the figures must fail; all have the asked flux."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .photometry import asked_flux
from .variables import BANDS, CONDITIONS, MORPHOLOGIES

if TYPE_CHECKING:
    import xarray as xr

BLUR = 1.5
"""Gaussian sigma of the blurred impostor, pixels."""


def mean_image(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The mean image of the class, scaled to each galaxy's own flux."""
    images, flux = _images(truth)
    made = np.empty_like(images)
    for _, rows in _classes(truth):
        made[rows] = (images[rows] / flux[rows]).mean(axis=0) * flux[rows]
    return _with(truth, made)


def shuffled_within_class(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Images dealt anew within the class and scaled to the asked flux: real galaxies of the wrong size and shape."""
    generator = np.random.default_rng([seed, 31])
    images, flux = _images(truth)
    made = np.empty_like(images)
    for _, rows in _classes(truth):
        dealt = rows[generator.permutation(len(rows))]
        made[rows] = images[dealt] / flux[dealt] * flux[rows]
    return _with(truth, made)


def smooth_spirals(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Spirals as the reference's smooth exponential Sersic profiles of the asked size, flux and shape."""
    from ...sampling.request import condition_dataset
    from .reference import GalaxyReference

    rows = np.flatnonzero(truth["morphology"].values == MORPHOLOGIES.index("spiral"))
    if not len(rows):
        return truth
    reference = GalaxyReference()
    asked = truth[[name for name in reference.conditions.names if name in truth]].isel(sample=rows)
    plain = {"morphology": MORPHOLOGIES.index("elliptical"), "sersic_index": 1.0, "blend_fraction": 0.0}
    asked = asked.assign({name: ("sample", np.full(len(rows), value)) for name, value in plain.items()})
    drawn = reference.sample(condition_dataset(CONDITIONS, asked, check=False), seed=seed)
    outputs = {name: truth[name].values.copy() for name in ("image", "enclosed_flux_fraction")}
    for name, values in outputs.items():
        values[rows] = drawn[name].values
    return truth.assign({name: truth[name].copy(data=values) for name, values in outputs.items()})


def blurred(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every image smoothed by a Gaussian, as a network that averages over what it does not know."""
    from scipy.ndimage import gaussian_filter

    images, flux = _images(truth)
    smooth = gaussian_filter(images, (0.0, 0.0, BLUR, BLUR), mode="constant")
    total = smooth.sum(axis=(2, 3), keepdims=True)
    return _with(truth, smooth * images.sum(axis=(2, 3), keepdims=True) / np.where(total > 0, total, 1.0))


def _images(truth: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Images in float64 and asked fluxes (n, band, 1, 1)."""
    flux = np.stack([asked_flux(truth, band) for band in BANDS], axis=-1)
    return truth["image"].values.astype(np.float64), flux[:, :, None, None]


def _classes(truth: xr.Dataset) -> list[tuple[int, np.ndarray]]:
    codes = truth["morphology"].values
    return [(int(code), np.flatnonzero(codes == code)) for code in np.unique(codes)]


def _with(truth: xr.Dataset, images: np.ndarray) -> xr.Dataset:
    return truth.assign(image=truth["image"].copy(data=images.astype(truth["image"].dtype)))


IMPOSTORS = {
    "mean image of the class": mean_image,
    "shuffled within the class": shuffled_within_class,
    "Sersic profiles for spirals": smooth_spirals,
    "blurred images": blurred,
}
"""Name -> maker of the domain's own impostors."""
