"""The figures of super-resolution: pictures against the photographs that were reduced, one by one.

All but the errors of colour are of luminance, less four pixels on each side, as in the literature. Limits lie beyond
what bicubic and Lanczos interpolation and an unsharp mask reach.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.figures import Figure, Figures, Group, Part, Split, by

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

N = 200
"""Pictures on each side of a figure."""

BORDER = 4
"""Pixels at the edge that do not count."""

RINGS = 8
"""Of spatial frequency, up to a half a pixel."""


def reduce(data: xr.Dataset) -> xr.Dataset:
    """Luminance, colour differences and what is known of the small picture, of each sample.

    Returns
    -------
    Dataset
        `luminance` (sample, y, x) and `colour` (sample, 2, y, x) without the border; `again` (sample, y, x, channel),
        what reduces to the picture asked; `detail` (sample,), the root mean square slope of the small picture.
    """
    import torch
    import xarray as xr

    from ...physics.images import colour, fidelity
    from ...physics.images.resampling import cubic

    if "luminance" in data:
        return data
    planes = colour.to_luminance(colour.in_colour(torch.from_numpy(data["upscaled"].values).double()))
    small = torch.from_numpy(data["image"].values).double()
    inner = fidelity.without_border(planes.permute(0, 3, 1, 2), BORDER)
    shown = colour.in_colour(torch.from_numpy(data["upscaled"].values).double()).permute(0, 3, 1, 2)
    again = cubic(shown, (small.shape[1], small.shape[2])) if len(small) else shown
    missed = (again - colour.in_colour(small).permute(0, 3, 1, 2)).square().flatten(1).mean(dim=1).sqrt()
    found = {
        "luminance": (("sample", "row", "column"), inner[:, 0].numpy()),
        "colour": (("sample", "difference", "row", "column"), inner[:, 1:].numpy()),
        "missed": (("sample",), missed.numpy()),
        "detail": (("sample",), fidelity.sharpness(colour.luminance(small)).numpy()),
    }
    return xr.Dataset(found, coords={"sample": data["sample"]})


def _pairwise(measure: Callable[[Tensor, Tensor], Tensor], made: np.ndarray, true: np.ndarray) -> np.ndarray:
    import torch

    return measure(torch.from_numpy(np.ascontiguousarray(made)), torch.from_numpy(np.ascontiguousarray(true))).numpy()


def peak_ratio(made: np.ndarray, true: np.ndarray) -> float:
    """PSNR [dB] of luminance on the scale of the literature, mean over pictures; 100 at the most."""
    from ...physics.images.fidelity import psnr, studio

    return float(_pairwise(lambda a, b: psnr(studio(a), studio(b)), made, true).mean())


def structure(made: np.ndarray, true: np.ndarray) -> float:
    """Structural similarity of luminance on the scale of the literature, mean over pictures."""
    from ...physics.images.fidelity import ssim, studio

    return float(_pairwise(lambda a, b: ssim(studio(a), studio(b)), made, true).mean())


def slope_error(made: np.ndarray, true: np.ndarray) -> float:
    """Mean absolute error of the slopes in units of the true slopes' own mean size."""
    from ...physics.images import fidelity

    error = _pairwise(fidelity.slope_error, made, true).mean()
    return float(error / _pairwise(fidelity.slope_error, 0 * true, true).mean())


def blur(made: np.ndarray, true: np.ndarray) -> float:
    """How far the sharpness of the made pictures is from that of the true ones, in units of these."""
    from ...physics.images.fidelity import sharpness

    sides = [_pairwise(lambda a, _: sharpness(a), side, side).mean() for side in (made, true)]
    return abs(float(sides[0] / sides[1]) - 1.0)


def root_mean_square(made: np.ndarray, true: np.ndarray) -> float:
    """Root mean square error."""
    return float(np.sqrt(np.mean((made - true) ** 2)))


def worst(made: np.ndarray, true: np.ndarray) -> float:
    """99.9 % quantile of the absolute error of a pixel."""
    return float(np.quantile(np.abs(made - true), 0.999))


def mean_shift(made: np.ndarray, true: np.ndarray) -> float:
    """Mean absolute error of the pictures' mean luminance."""
    return float(np.abs((made - true).mean(axis=(1, 2))).mean())


def band_error(made: np.ndarray, true: np.ndarray, *, fine: float, coarse: float) -> float:
    """Root mean square error between two blurs in units of what the true pictures have there."""
    from ...physics.images.fidelity import band

    def between(side: np.ndarray) -> np.ndarray:
        return _pairwise(lambda a, _: band(a, fine, coarse), side, side)

    return float(np.sqrt(np.mean(between(made - true) ** 2) / np.mean(between(true) ** 2)))


def unlike_power(made: np.ndarray, true: np.ndarray, *, ring: int) -> float:
    """Size of the logarithm of the ratio of powers in a ring of spatial frequency."""
    from ...physics.images.fidelity import spectrum

    power = [_pairwise(lambda a, _: spectrum(a, RINGS), side, side)[:, ring].mean() for side in (made, true)]
    return abs(float(np.log(power[0] / power[1])))


def inconsistency(made: np.ndarray, true: np.ndarray) -> float:
    """Root mean square of what the pictures, reduced, differ from the one that was asked."""
    del true
    return float(np.sqrt(np.mean(made**2)))


def psnr_figure(at_least: float) -> Figure:
    """PSNR of luminance, at least so many dB."""
    text = "PSNR of luminance, 4 pixels at the edge left out"
    return Figure("psnr", "luminance", peak_ratio, at_least=at_least, text=text, units="dB")


def by_detail(low: float, high: float, words: str, at_least: float) -> Group:
    """PSNR of pictures by how much the small one has to show."""
    return by(Split("detail", (Part(words, low, high, False, f"{words} pictures"),)), psnr_figure(at_least))


def band_figure(name: str, fine: float, coarse: float, at_most: float) -> Figure:
    """Error between two blurs."""
    text = f"error between blurs of {fine:g} and {coarse:g} pixels, in units of what is there"
    return Figure(name, "luminance", partial(band_error, fine=fine, coarse=coarse), at_most=at_most, text=text)


def ring_figure(ring: int, at_most: float | None) -> Figure:
    """Power in a ring of spatial frequency."""
    text = f"log ratio of power at {ring / RINGS / 2:g} to {(ring + 1) / RINGS / 2:g} cycles a pixel"
    return Figure(f"power_{ring}", "luminance", partial(unlike_power, ring=ring), at_most=at_most, text=text)


FIGURES = Figures(
    (
        psnr_figure(27.2),
        Figure("ssim", "luminance", structure, at_least=0.73, text="structural similarity of luminance"),
        Figure("luminance_rms", "luminance", root_mean_square, at_most=0.063, text="root mean square error, luminance"),
        Figure("colour_rms", "colour", root_mean_square, at_most=0.0086, text="root mean square error, colour"),
        Figure("slope_error", "luminance", slope_error, at_most=0.88, text="error of slopes in units of the slopes"),
        Figure("blur", "luminance", blur, text="distance of sharpness from the truth's, which least error lacks"),
        Figure("worst_pixel", "luminance", worst, at_most=0.35, text="99.9 % quantile of a pixel's error"),
        Figure("mean_shift", "luminance", mean_shift, at_most=0.001, text="error of a picture's mean luminance"),
        Figure(
            "inconsistency", "missed", inconsistency, at_most=0.0085, text="reduced again, distance from what was asked"
        ),
        band_figure("edges_error", 1.0, 2.0, 0.66),
        band_figure("shapes_error", 2.0, 4.0, 0.22),
        ring_figure(0, 0.02),
        ring_figure(1, 0.3),
        ring_figure(2, 1.2),
        by_detail(0.0, 0.05, "smooth", 41.0),
        by_detail(0.05, 0.12, "ordinary", 27.5),
        by_detail(0.12, 9.0, "busy", 24.1),
    ),
    reduce=reduce,
    n=N,
)
"""The plugin's measure: pictures and photographs, one by one."""
