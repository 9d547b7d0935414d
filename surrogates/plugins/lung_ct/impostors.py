"""Cheap fakes of CT slices, made from masks and the truth, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


def _regions(truth: xr.Dataset) -> np.ndarray:
    """0 air, 1 body, 2 lung, 3 and on the kinds of lesions."""
    body, lesion = truth["body_mask"].values, truth["lesion_mask"].values == 1
    return np.where(lesion, 3 + truth["lesion_type"].values[:, None, None], body)


def _with(truth: xr.Dataset, images: np.ndarray) -> xr.Dataset:
    return truth.assign(ct=truth["ct"].copy(data=images.astype(np.float32)))


def constant(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The mean CT number of each region pasted into its mask."""
    del seed
    regions, images = _regions(truth), truth["ct"].values
    made = np.zeros(images.shape)
    for region in np.unique(regions):
        made[regions == region] = images[regions == region].mean()
    return _with(truth, made)


def mean_image(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The mean of all slices."""
    del seed
    images = truth["ct"].values
    return _with(truth, np.broadcast_to(images.mean(axis=0), images.shape).copy())


def boosted_trees(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Each pixel by boosted trees, from its region, its place and its depths below the skin and the pleura."""
    from scipy.ndimage import distance_transform_edt
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    regions, images = _regions(truth), truth["ct"].values
    n, rows, columns = images.shape
    place = np.broadcast_to(np.mgrid[0:rows, 0:columns][None], (n, 2, rows, columns))
    depths = [
        np.stack([np.asarray(distance_transform_edt(one)) for one in mask])
        for mask in (regions > 0, regions < 2, regions >= 3)
    ]
    table = np.stack([regions, place[:, 0], place[:, 1], *depths], axis=-1).reshape(-1, 6).astype(np.float32)
    learn = np.random.default_rng([seed, 51]).choice(len(table), min(60_000, len(table)), replace=False)
    with threadpool_limits(1):
        trees = HistGradientBoostingRegressor(max_iter=60, random_state=seed).fit(table[learn], images.ravel()[learn])
        return _with(truth, trees.predict(table).reshape(images.shape))


def blurred(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every slice through a Gaussian of one pixel, as a network that averages over what it does not know."""
    from scipy.ndimage import gaussian_filter

    del seed
    return _with(truth, gaussian_filter(truth["ct"].values, (0.0, 1.0, 1.0)))


IMPOSTORS = {
    "constant in each mask": constant,
    "mean image": mean_image,
    "boosted trees a pixel": boosted_trees,
    "blurred slices": blurred,
}
