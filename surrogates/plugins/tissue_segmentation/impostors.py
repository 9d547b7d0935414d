"""Cheap segmenters: a Gaussian mixture of brightnesses, the template as it is, each pixel's commonest tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.medical import head
from .variables import TISSUES, VOLUMES, VOXEL

if TYPE_CHECKING:
    import xarray as xr


def mixture_labels(images: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Labels (n, y, x) of three Gaussians of each slice's brightness within `brain`, dark to bright as T1 orders them.

    Expectation maximisation from the quantiles; the brain's outline is given, which a segmenter has to find.
    """
    found = np.zeros(images.shape, np.int8)
    for image, inside, labels in zip(images, brain, found, strict=True):
        values = image[inside].astype(np.float64)
        if len(values) < 30:
            continue
        labels[inside] = 1 + _mixture(values)
    return found


def _mixture(values: np.ndarray, steps: int = 40) -> np.ndarray:
    """Which of three Gaussians, 0 to 2 by their means, each value most likely comes from."""
    means = np.quantile(values, (0.12, 0.45, 0.85))
    deviations = np.full(3, values.std() / 3.0 + 1e-9)
    shares = np.full(3, 1.0 / 3.0)
    weights = np.empty((3, len(values)))
    for _ in range(steps):
        z = (values - means[:, None]) / deviations[:, None]
        logs = np.log(shares / deviations)[:, None] - 0.5 * z * z
        weights = np.exp(logs - logs.max(axis=0))
        weights /= weights.sum(axis=0)
        total = weights.sum(axis=1) + 1e-9
        means = weights @ values / total
        spread = (weights * (values - means[:, None]) ** 2).sum(axis=1) / total
        deviations, shares = np.sqrt(spread) + 1e-3 * values.std() + 1e-12, total / total.sum()
    rank = np.argsort(np.argsort(means))
    return rank[weights.argmax(axis=0)].astype(np.int8)


def _relabelled(truth: xr.Dataset, tissue: np.ndarray) -> xr.Dataset:
    counted = {name: (tissue == TISSUES.index(kind)).sum((1, 2)) * VOXEL for kind, name in VOLUMES.items()}
    changed = {"tissue": tissue.astype(np.int8), **counted}
    return truth.assign({name: truth[name].copy(data=values) for name, values in changed.items()})


def mixture(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Three Gaussians within the true outline of the brain."""
    del seed
    return _relabelled(truth, mixture_labels(truth["mri"].values, truth["tissue"].values > 0))


def unwarped_atlas(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The template's own tissues at the slice's level, centred on the image."""
    del seed
    grey, white, brain = head.template()
    labels = np.zeros(truth["tissue"].shape, np.int8)
    for row, anatomy in enumerate(truth["anatomy"].values):
        level = head.level_of(int(anatomy))
        parts = np.stack([1.0 - brain[level], brain[level] - grey[level] - white[level], grey[level], white[level]])
        small = parts.argmax(axis=0)[::2, ::2].astype(np.int8)
        mask = np.argwhere(truth["tissue"].values[row] > 0)
        middle = mask.mean(axis=0) if len(mask) else np.array([64.0, 64.0])
        own = np.argwhere(small > 0)
        corner = np.round(middle - own.mean(axis=0)).astype(int) if len(own) else np.zeros(2, int)
        for y, x in own:
            place = y + corner[0], x + corner[1]
            if 0 <= place[0] < labels.shape[1] and 0 <= place[1] < labels.shape[2]:
                labels[row][place] = small[y, x]
    return _relabelled(truth, labels)


def commonest(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The tissue that most of the truth's slices have at each pixel."""
    del seed
    tissue = truth["tissue"].values
    counts = np.stack([(tissue == code).sum(axis=0) for code in range(len(TISSUES))])
    return _relabelled(truth, np.broadcast_to(counts.argmax(axis=0).astype(np.int8), tissue.shape).copy())


IMPOSTORS = {"gaussian mixture": mixture, "unwarped atlas": unwarped_atlas, "commonest tissue": commonest}
