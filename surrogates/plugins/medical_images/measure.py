"""Figures of medical images: how the samples cover the held-out ones, what they teach, sharpness, and each category."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.plugin import Features
from ...measuring.distances import wasserstein_distance
from ...measuring.figures import Figure, Figures, Together, by, classes
from ...measuring.picture_sets import COVERING, mean_difference, taught
from ...physics.images.spectra import radial_power
from .variables import CATEGORIES, N_IMAGES

if TYPE_CHECKING:
    import xarray as xr

THUMB = 16


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Per image: features of the judge, the category it sees, power spectrum, grey values and a thumbnail."""
    import xarray

    from .judge import judged

    if "features" in dataset:
        return dataset
    images = dataset["image"].values.astype(np.float64)
    n, side = len(images), images.shape[-1]
    features, seen = judged(images)
    step = side // THUMB
    thumbs = images.reshape(n, THUMB, step, THUMB, step).mean(axis=(2, 4)).reshape(n, -1)
    return xarray.Dataset(
        {
            "category": ("sample", dataset["category"].values),
            "features": (("sample", "feature"), features),
            "seen": ("sample", seen),
            "power": (("sample", "frequency"), np.log10(radial_power(images) + 1e-8)),
            "thumb": (("sample", "pixel"), thumbs),
            "brightness": ("sample", images.mean(axis=(1, 2))),
            "contrast": ("sample", images.std(axis=(1, 2))),
            "edges": ("sample", np.abs(np.diff(images, axis=2)).mean(axis=(1, 2))),
        },
        coords={"sample": dataset["sample"].values},
    )


def wrong_category(samples: xr.Dataset) -> float:
    """Share of images that the judge takes for another category."""
    return float((samples["seen"].values != samples["category"].values).mean())


def _excess(mine: float, true: float) -> float:
    return max(mine - true, 0.0)


FIGURES = Figures(
    (
        COVERING,
        Together(
            taught,
            (
                Figure("teaching_loss", at_most=0.05, text="accuracy lost by training on samples, relative"),
                Figure("teaching_worst", text="the same of the category that loses most, absolute"),
            ),
        ),
        Figure(
            "wrong_category", wrong_category, _excess, at_most=0.02, text="excess of images taken for another category"
        ),
        by(
            classes("category", CATEGORIES),
            Figure(
                "power",
                lambda side: side["power"].values,
                mean_difference,
                at_most=0.15,
                text="log10 of the radial power spectrum, largest difference",
            ),
            Figure(
                "brightness",
                "brightness",
                wasserstein_distance,
                floors=2.0,
                text="mean grey value, Wasserstein distance",
            ),
            Figure("edges", "edges", wasserstein_distance, floors=2.0, text="mean |gradient|, Wasserstein distance"),
        ),
    ),
    reduce=reduce,
    n=N_IMAGES,
    least=20,
)


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifiers look at: the judge's features, power, grey values."""
    side = reduce(dataset)
    table = [side["features"].values, side["power"].values]
    names = [f"feature_{k}" for k in range(table[0].shape[1])] + [f"power_{k}" for k in range(table[1].shape[1])]
    numbers = ("brightness", "contrast", "edges")
    table += [side[name].values[:, None] for name in numbers]
    return np.concatenate(table, axis=1), (*names, *numbers)


FEATURES = Features(high_level=features)
