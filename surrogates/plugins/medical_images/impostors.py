"""Cheap fakes of medical images, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...measuring.impostors import ClassMean, PrincipalGaussian

if TYPE_CHECKING:
    import xarray as xr

BLUR = 1.5  # pixels


def blurred(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every image through a Gaussian."""
    from scipy.ndimage import gaussian_filter

    del seed
    return truth.assign(image=truth["image"].copy(data=gaussian_filter(truth["image"].values, (0.0, BLUR, BLUR))))


def clipped_gaussian(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """A Gaussian of 50 principal components in each category, cut off at 0 and 1."""
    made = PrincipalGaussian(("image",), ("category",), 50)(truth, seed)
    return made.assign(image=made["image"].clip(0.0, 1.0, keep_attrs=True))


IMPOSTORS = {
    "mean image of the category": ClassMean(("image",), ("category",)),
    "principal-component Gaussian": clipped_gaussian,
    "blurred images": blurred,
}
