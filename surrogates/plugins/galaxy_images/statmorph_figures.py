"""Figures by statmorph on a stated number of galaxies: it takes 0.2 s an image, most of it for its Sersic fit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...contract.findings import Finding, Target
from .measure import resolved_distance
from .photometry import photometry
from .variables import BANDS, MORPHOLOGIES, N_IMAGES, PIXEL_SCALE

if TYPE_CHECKING:
    import xarray as xr

N_STATMORPH = 200
"""Galaxies of each class on each side, unless asked otherwise."""
_LEAST = 8

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

STATMORPH_TARGETS: dict[str, Target] = {
    f"statmorph/{kind}/{statistic}": Target(
        N_IMAGES,
        floors=2.0,
        description=f"Kolmogorov-Smirnov distance of statmorph's {statistic.replace('_', ' ')}",
    )
    for kind in MORPHOLOGIES
    for statistic in STATISTICS
}


def statmorph_values(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """statmorph 0.7 on the r band of every galaxy.

    Returns
    -------
    dict of ndarray
        (n,) by the names in `STATISTICS`; NaN where there is no segment, where statmorph gives no number (its -99), and
        of the Sersic fit where `flag_sersic` is not 0. Further `flag` and `flag_sersic`, statmorph's own: 0 good, 1
        suspect, 2 bad, 3 unusually small, 4 catastrophic; -1 where there is no segment.

    Notes
    -----
    Values of galaxies that `flag` calls suspect or bad are kept: a clumpy or merging galaxy is flagged for what it is,
    and figures that left such out of both sides would not see them. Figures compare samples and truth by the same rule.
    """
    import statmorph

    images = dataset["image"].values[:, BANDS.index("r")].astype(np.float64)
    scales = dataset["pixel_scale"].values if "pixel_scale" in dataset else np.full(len(images), PIXEL_SCALE)
    _, segments = photometry(dataset)
    found = {name: np.full(len(images), np.nan) for name in STATISTICS}
    flags = {name: np.full(len(images), -1, dtype=np.int8) for name in ("flag", "flag_sersic")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, (image, segment) in enumerate(zip(images, segments, strict=True)):
            if not segment.any():
                continue
            weight = np.full(image.shape, max(float(np.abs(image).max()), 1e-30) * 1e-3)
            measured = statmorph.SourceMorphology(image, segment.astype(int), 1, weightmap=weight)
            for name in ("concentration", "asymmetry", "smoothness", "gini", "m20"):
                found[name][row] = getattr(measured, name)
            flags["flag"][row], flags["flag_sersic"][row] = measured.flag, measured.flag_sersic
            if measured.flag_sersic == 0:
                ratio = 1.0 - measured.sersic_ellip
                found["sersic_n"][row] = measured.sersic_n
                found["sersic_radius"][row] = measured.sersic_rhalf * np.sqrt(ratio) * scales[row]
                found["sersic_ellipticity"][row] = (1.0 - ratio) / (1.0 + ratio)
    return {name: np.where(values > -90.0, values, np.nan) for name, values in found.items()} | flags


def statmorph_findings(
    samples: xr.Dataset, truth: xr.Dataset, second: xr.Dataset, *, n: int = N_STATMORPH, seed: int = 0
) -> tuple[Finding, ...]:
    """Kolmogorov-Smirnov distances of statmorph's values by class, asked to stay within twice the truth's own.

    Parameters
    ----------
    samples, truth, second : Dataset
        The samples, the reference at the same conditions, and another draw of it, all of one distribution.
    n : int
        Galaxies of each class on each side, at most: the first ones.
    seed : int
        Of the splits of both truths that floors are means over.

    Returns
    -------
    tuple of Finding
        `statmorph/class/statistic`.
    """
    found = []
    for code, name in enumerate(MORPHOLOGIES):
        rows = [np.flatnonzero(side["morphology"].values == code)[:n] for side in (samples, truth, second)]
        size = min(map(len, rows))
        if size < _LEAST:
            continue
        sides = [
            statmorph_values(side.isel(sample=index[:size]))
            for side, index in zip((samples, truth, second), rows, strict=True)
        ]
        for statistic, resolution in STATISTICS.items():
            ours, theirs, others = (side[statistic][np.isfinite(side[statistic])] for side in sides)
            if min(map(len, (ours, theirs, others))) < _LEAST:
                continue
            figure = f"statmorph/{name}/{statistic}"
            floor = _floor(np.concatenate((theirs, others)), resolution, seed)
            value = resolved_distance(ours, theirs, resolution)
            found.append(Finding.against(figure, value, STATMORPH_TARGETS[figure], n=size, floor=floor))
    return tuple(found)


def _floor(pool: np.ndarray, resolution: float, seed: int, splits: int = 20) -> float:
    """Mean distance between random halves of what both truths measured."""
    rng, half = np.random.default_rng(seed), len(pool) // 2
    orders = [rng.permutation(pool) for _ in range(splits)]
    return float(np.mean([resolved_distance(order[:half], order[half : 2 * half], resolution) for order in orders]))
