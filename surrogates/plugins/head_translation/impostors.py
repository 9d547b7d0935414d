"""Cheap translators: the mean image, boosted trees pixel by pixel, and one number for each material."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.impostors import ClassMean

if TYPE_CHECKING:
    import xarray as xr

PIXELS = 60_000
"""That the trees are fitted to."""


def pixel_features(image: np.ndarray) -> np.ndarray:
    """(pixels, 5): brightness, its smooth version, its neighbourhood's least, and the place of every pixel."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(image, (0, 2.0, 2.0))
    least = ndimage.minimum_filter(image, (1, 5, 5))
    place = np.broadcast_to(np.mgrid[: image.shape[1], : image.shape[2]][:, None], (2, *image.shape))
    return np.stack([image, smooth, least, *place], axis=-1).reshape(-1, 5)


def boosted_trees(truth: xr.Dataset, seed: int, *, source: str, made: str) -> xr.Dataset:
    """A boosted tree ensemble of every pixel's neighbourhood, fitted to the truth that it is held against."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    random = np.random.default_rng([seed, 4901])
    inputs = pixel_features(truth[source].values.astype(np.float32))
    wanted = truth[made].values.reshape(-1)
    chosen = random.permutation(len(wanted))[:PIXELS]
    trees = HistGradientBoostingRegressor(loss="absolute_error", max_iter=60, random_state=0)
    trees.fit(inputs[chosen], wanted[chosen])
    values = trees.predict(inputs).reshape(truth[made].shape)
    return truth.assign({made: truth[made].copy(data=values.astype(np.float32))})


def bulk(truth: xr.Dataset, seed: int, *, source: str, made: str) -> xr.Dataset:
    """Four classes of the source's brightness, each with its mean of the truth: bulk density assignment."""
    del seed
    image, wanted = truth[source].values, truth[made].values
    edges = np.quantile(image, (0.55, 0.7, 0.9))
    kind = np.digitize(image, edges)
    means = np.array([wanted[kind == k].mean() if (kind == k).any() else 0.0 for k in range(len(edges) + 1)])
    return truth.assign({made: truth[made].copy(data=means[kind].astype(np.float32))})


def impostors(source: str, made: str) -> dict:
    """Of one direction."""
    return {
        "mean image": ClassMean((made,)),
        "boosted trees": partial(boosted_trees, source=source, made=made),
        "bulk densities": partial(bulk, source=source, made=made),
    }
