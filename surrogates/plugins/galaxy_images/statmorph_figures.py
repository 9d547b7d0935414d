"""Figures by statmorph on a stated number of galaxies: it takes 0.2 s an image, most of it for its Sersic fit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from .measure import resolved_distance
from .photometry import photometry
from .variables import BANDS, MORPHOLOGIES, PIXEL_SCALE

if TYPE_CHECKING:
    import xarray as xr

N_STATMORPH = 200
"""Galaxies of each class on each side, unless asked otherwise."""

STATISTICS: dict[str, float] = {
    "concentration": 0.01,
    "asymmetry": 0.005,
    "smoothness": 0.002,
    "gini": 0.002,
    "m20": 0.005,
    "sersic_n": 0.02,
    "sersic_radius": 0.002,
    "sersic_ellipticity": 0.003,
}
"""What statmorph measures here, and the difference that does not count; `sersic_radius` is circularised, in arcsec."""


def statmorph_values(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """statmorph 0.7 on the r band of every galaxy.

    Returns
    -------
    dict of ndarray
        (n,) by the names in `STATISTICS`; NaN where statmorph flags its measurement as bad.
    """
    import statmorph

    images = dataset["image"].values[:, BANDS.index("r")].astype(np.float64)
    scales = dataset["pixel_scale"].values if "pixel_scale" in dataset else np.full(len(images), PIXEL_SCALE)
    _, segments = photometry(dataset)
    found = {name: np.full(len(images), np.nan) for name in STATISTICS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, (image, segment) in enumerate(zip(images, segments, strict=True)):
            if not segment.any():
                continue
            weight = np.full(image.shape, max(float(np.abs(image).max()), 1e-30) * 1e-3)
            measured = statmorph.SourceMorphology(image, segment.astype(int), 1, weightmap=weight)
            for name in ("concentration", "asymmetry", "smoothness", "gini", "m20"):
                found[name][row] = getattr(measured, name)
            if measured.flag_sersic == 0:
                ratio = 1.0 - measured.sersic_ellip
                found["sersic_n"][row] = measured.sersic_n
                found["sersic_radius"][row] = measured.sersic_rhalf * np.sqrt(ratio) * scales[row]
                found["sersic_ellipticity"][row] = (1.0 - ratio) / (1.0 + ratio)
    return {name: np.where(values > -90.0, values, np.nan) for name, values in found.items()}


def statmorph_figures(samples: xr.Dataset, truth: xr.Dataset, *, n: int = N_STATMORPH) -> dict[str, tuple[float, int]]:
    """Kolmogorov-Smirnov distances of statmorph's values, on the first galaxies of each class.

    Parameters
    ----------
    samples, truth : Dataset
        At conditions of one distribution.
    n : int
        Galaxies of each class on each side, at most.

    Returns
    -------
    dict
        `class/statistic` -> (distance, galaxies on each side).
    """
    figures = {}
    for code, name in enumerate(MORPHOLOGIES):
        rows = [np.flatnonzero(side["morphology"].values == code)[:n] for side in (samples, truth)]
        size = min(map(len, rows))
        if size < 8:
            continue
        sides = [
            statmorph_values(side.isel(sample=index[:size])) for side, index in zip((samples, truth), rows, strict=True)
        ]
        for statistic, resolution in STATISTICS.items():
            a, b = (side[statistic][np.isfinite(side[statistic])] for side in sides)
            if min(len(a), len(b)) >= 8:
                figures[f"{name}/{statistic}"] = (resolved_distance(a, b, resolution), size)
    return figures
