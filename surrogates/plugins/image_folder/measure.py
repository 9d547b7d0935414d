"""Figures of images by category: features, what samples teach, patches, power, colour; of any folder's categories.

Features are of a small classifier trained on CIFAR-10 for measuring alone, `surrogates.measuring.picture_features`: a
Fréchet distance in them is no published score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.plugin import Features
from ...measuring.distances import wasserstein_distance
from ...measuring.figures import Figure, Figures, Together
from ...measuring.picture_features import picture_features
from ...measuring.picture_sets import COVERING, categories_apart, mean_difference, sliced_distance, taught
from ...physics.images.spectra import radial_power
from .variables import N_IMAGES

if TYPE_CHECKING:
    import xarray as xr

THUMB = 8
PATCH, PATCHES = 7, 4
"""Pixels on a side of the patches that are compared, and how many of each image."""

PLACES = np.random.default_rng(5).random((PATCHES, 2))
"""Where patches lie, in shares of where they may."""


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Per image: features, a thumbnail, patches, power spectra of luminance and colour, and their plain numbers."""
    import torch
    import xarray

    from ...physics.images.colour import to_luminance

    if "features" in dataset:
        return dataset
    images = dataset["image"].values
    n, side = images.shape[:2]
    planes = to_luminance(torch.from_numpy(images.astype(np.float64))).numpy()
    step = side // THUMB
    thumbs = images.reshape(n, THUMB, step, THUMB, step, 3).mean(axis=(2, 4)).reshape(n, -1)
    corners = np.floor(PLACES * (side - PATCH + 1)).astype(int)
    patches = np.stack([images[:, top : top + PATCH, left : left + PATCH] for top, left in corners], axis=1)
    power = [radial_power(planes[..., plane]) for plane in range(3)]
    return xarray.Dataset(
        {
            "category": ("sample", dataset["category"].values),
            "features": (("sample", "feature"), picture_features(images)),
            "thumb": (("sample", "pixel"), thumbs),
            "patches": (("sample", "patch", "number"), patches.reshape(n, PATCHES, -1)),
            "power": (("sample", "frequency"), np.log10(power[0] + 1e-8)),
            "colour_power": (("sample", "frequency"), np.log10(power[1] + power[2] + 1e-8)),
            "brightness": ("sample", planes[..., 0].mean(axis=(1, 2))),
            "contrast": ("sample", planes[..., 0].std(axis=(1, 2))),
            "edges": ("sample", np.abs(np.diff(planes[..., 0], axis=2)).mean(axis=(1, 2))),
            "saturation": ("sample", np.hypot(planes[..., 1], planes[..., 2]).mean(axis=(1, 2))),
            "hue": (("sample", "plane"), planes[..., 1:].mean(axis=(1, 2))),
        },
        coords={"sample": dataset["sample"].values},
    )


def _patches(side: xr.Dataset) -> np.ndarray:
    return side["patches"].values.reshape(-1, side.sizes["number"])


def _spectrum(name: str, of: str) -> Figure:
    return Figure(
        name, name, mean_difference, at_most=0.1, text=f"log10 of the radial power of {of}, largest difference"
    )


def _number(name: str, words: str) -> Figure:
    return Figure(name, name, wasserstein_distance, floors=2.0, text=f"{words}, Wasserstein distance")


FIGURES = Figures(
    (
        COVERING,
        Together(
            taught,
            (
                Figure("teaching_loss", at_most=0.1, text="accuracy lost by training on samples, relative"),
                Figure("teaching_worst", at_most=0.2, text="the same of the category that loses most, absolute"),
            ),
        ),
        Together(
            categories_apart,
            (Figure("category_apart", floors=2.0, text="mean features of the farthest category, in spreads"),),
        ),
        Figure(
            "patch_distance", _patches, sliced_distance, floors=2.0, text="sliced Wasserstein distance of 7 x 7 patches"
        ),
        _spectrum("power", "luminance"),
        _spectrum("colour_power", "colour differences"),
        _number("brightness", "mean luminance"),
        _number("contrast", "spread of luminance"),
        _number("edges", "mean slope of luminance"),
        _number("saturation", "mean distance from grey"),
        Figure("hue", "hue", sliced_distance, floors=2.0, text="mean colour differences, sliced Wasserstein distance"),
    ),
    reduce=reduce,
    n=N_IMAGES,
    least=20,
)


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifiers look at: features, power and plain numbers."""
    side = reduce(dataset)
    tables = {name: side[name].values.reshape(len(side["category"]), -1) for name in _SEEN}
    names = tuple(f"{name}_{k}" for name, table in tables.items() for k in range(table.shape[1]))
    return np.concatenate(list(tables.values()), axis=1), names


_SEEN = ("features", "power", "colour_power", "brightness", "contrast", "edges", "saturation", "hue")

FEATURES = Features(high_level=features)
