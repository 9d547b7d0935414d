"""The figures where the small picture is of a JPEG file: the default's, and what is left of artefacts.

Limits lie beyond what the cheap ways reach at the same files, and the weights for clean pictures where their scale is
the same. What the result reduces to is no figure: the picture that was asked has artefacts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ....measuring.figures import Figure, Figures
from ..measure import (
    BORDER,
    N,
    band_figure,
    blur,
    by_detail,
    mean_shift,
    psnr_figure,
    reduce,
    ring_figure,
    root_mean_square,
    slope_error,
    structure,
    worst,
)

Distance = Callable[[np.ndarray, np.ndarray], float]

BLOCK = 8
"""Pixels on a side of JPEG's blocks (ITU-T T.81)."""

FLAT = 0.02
"""Slope [levels of 1 a pixel] below which the photograph counts as flat."""


def flat_error(made: np.ndarray, true: np.ndarray) -> float:
    """Root mean square error of luminance where the photograph is flat, which is where artefacts are seen."""
    down, across = (np.abs(np.gradient(true, axis=axis)) for axis in (1, 2))
    flat = np.hypot(down, across) < FLAT
    return float(np.sqrt(np.mean((made - true)[flat] ** 2)))


def block_edges(luminance: np.ndarray, block: int) -> float:
    """Mean slope across the edges of blocks in units of that elsewhere."""
    found = []
    for axis in (1, 2):
        slopes = np.moveaxis(np.abs(np.diff(luminance, axis=axis)), axis, 0)
        at_edge = (np.arange(len(slopes)) + BORDER + 1) % block == 0
        found.append(slopes[at_edge].mean() / slopes[~at_edge].mean())
    return float(np.mean(found))


def blockiness(made: np.ndarray, true: np.ndarray, *, scale: int) -> float:
    """Size of the logarithm of the ratio of slopes across edges of blocks, which the photograph does not know."""
    return abs(float(np.log(block_edges(made, BLOCK * scale) / block_edges(true, BLOCK * scale))))


@dataclass(frozen=True)
class Limits:
    """What the figures should reach at one scale."""

    psnr: float
    ssim: float
    luminance: float
    colour: float
    slopes: float
    worst: float
    flat: float
    blocks: float
    edges: float
    shapes: float
    smooth: float
    ordinary: float
    busy: float


LIMITS = {
    2: Limits(29.3, 0.82, 0.048, 0.0127, 0.82, 0.27, 0.0195, 0.06, 0.385, 0.105, 41.0, 29.5, 26.8),
    4: Limits(25.6, 0.645, 0.0745, 0.0165, 0.96, 0.415, 0.034, 0.1, 0.8, 0.41, 39.2, 25.5, 22.9),
}
"""By scale; set beyond the cheap ways before anything was trained."""


def _figures(scale: int) -> Figures:
    limits = LIMITS[scale]
    return Figures(
        (
            psnr_figure(limits.psnr),
            Figure("ssim", "luminance", structure, at_least=limits.ssim, text="structural similarity of luminance"),
            _plane("luminance_rms", "luminance", root_mean_square, limits.luminance, "root mean square, luminance"),
            _plane("colour_rms", "colour", root_mean_square, limits.colour, "root mean square, colour"),
            _plane("slope_error", "luminance", slope_error, limits.slopes, "error of slopes in units of the slopes"),
            _plane("blur", "luminance", blur, None, "distance of sharpness from the truth's, which least error lacks"),
            _plane("worst_pixel", "luminance", worst, limits.worst, "99.9 % quantile of a pixel's error"),
            _plane("mean_shift", "luminance", mean_shift, None, "error of a picture's mean luminance"),
            _plane("flat_error", "luminance", flat_error, limits.flat, "root mean square error in flat places"),
            _plane(
                "block_edges",
                "luminance",
                partial(blockiness, scale=scale),
                limits.blocks,
                "log ratio of slopes across the edges of JPEG's blocks to those elsewhere",
            ),
            band_figure("edges_error", 1.0, 2.0, limits.edges),
            band_figure("shapes_error", 2.0, 4.0, limits.shapes),
            *(ring_figure(ring, None) for ring in range(3)),
            by_detail(0.0, 0.05, "smooth", limits.smooth),
            by_detail(0.05, 0.12, "ordinary", limits.ordinary),
            by_detail(0.12, 9.0, "busy", limits.busy),
        ),
        reduce=reduce,
        n=N,
    )


def _plane(name: str, quantity: str, distance: Distance, at_most: float | None, text: str) -> Figure:
    return Figure(name, quantity, distance, at_most=at_most, text=text)


FIGURES = {scale: _figures(scale) for scale in LIMITS}
"""Scale -> the measure."""
