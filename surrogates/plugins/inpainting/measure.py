"""The figures of inpainting: what was made in holes against what was there, and features of both kinds of picture.

Each is asked to beat the solution of Laplace's equation, which continues tones and knows no texture or edge.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.figures import Figure, Figures, Group, Part, Split, by
from ...measuring.manifolds import frechet_distance
from ...measuring.picture_features import feature_maps

if TYPE_CHECKING:
    import xarray as xr

N = 400
"""Pictures on each side of a figure."""


def reduce(data: xr.Dataset) -> xr.Dataset:
    """What the figures need of each picture.

    Returns
    -------
    Dataset
        `made` (sample, y, x, 3), luminance and colour differences; `hole` (sample, y, x); `features` (sample, 64),
        means over the places whose pixels the hole touches; `edge` (sample, y, x), known pixels next to it.
    """
    import torch
    import xarray as xr

    from ...physics.images import colour

    if "made" in data:
        return data
    shown = colour.in_colour(torch.from_numpy(data["inpainted"].values).double())
    hole = data["mask"].values > 0
    maps = feature_maps(shown.numpy().astype(np.float32))
    height, width = maps.shape[2:]
    touched = hole[:, : 8 * height, : 8 * width].reshape(len(hole), height, 8, width, 8).mean((2, 4))
    weight = touched / np.maximum(touched.sum((1, 2), keepdims=True), 1e-12)
    found = {
        "made": (("sample", "y", "x", "plane"), colour.to_luminance(shown).numpy()),
        "hole": (("sample", "y", "x"), hole),
        "features": (("sample", "feature"), (maps * weight[:, None]).sum((2, 3)).astype(np.float64)),
        "share": (("sample",), hole.mean((1, 2))),
        "middle": (("sample",), _is_rectangle(hole).astype(np.int64)),
        "known": (
            ("sample",),
            np.abs((data["inpainted"].values - data["image"].values) * ~hole[..., None]).max((1, 2, 3), initial=0.0),
        ),
    }
    return xr.Dataset(found, coords={"sample": data["sample"]})


def _is_rectangle(hole: np.ndarray) -> np.ndarray:
    """(n,) bool: holes (n, y, x) that fill the rectangle around them."""
    rows, columns = hole.any(2).sum(1), hole.any(1).sum(1)
    return hole.sum((1, 2)) == rows * columns


def _pictures(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return data["made"].values, data["hole"].values


def hole_error(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], *, planes: slice) -> float:
    """Mean absolute error within holes, mean over pictures."""
    made, true, hole = ours[0][..., planes], theirs[0][..., planes], theirs[1]
    error = np.abs(made - true).mean(axis=-1) * hole
    return float((error.sum((1, 2)) / np.maximum(hole.sum((1, 2)), 1)).mean())


def hole_psnr(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Peak signal-to-noise ratio [dB] of luminance within all holes together; 100 at the most."""
    hole = theirs[1]
    square = np.mean((ours[0][..., 0] - theirs[0][..., 0])[hole] ** 2) if hole.any() else 0.0
    return float(-10.0 * np.log10(max(square, 1e-10)))


def _slopes(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.diff(pictures, axis=1)[:, :, :-1], np.diff(pictures, axis=2)[:, :-1]


def roughness(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Size of the logarithm of the ratio of the mean sizes of slopes within holes."""
    hole = theirs[1]
    inner = hole[:, 1:, 1:] & hole[:, :-1, 1:] & hole[:, 1:, :-1] & hole[:, :-1, :-1]
    sizes = [np.mean([np.abs(part[inner]).mean() for part in _slopes(side[0][..., 0])]) for side in (ours, theirs)]
    return abs(float(np.log(max(sizes[0], 1e-12) / sizes[1])))


def seam_error(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean absolute error of the steps of luminance across the edges of holes."""
    hole = theirs[1]
    down, across = hole[:, 1:, :-1] != hole[:, :-1, :-1], hole[:, :-1, 1:] != hole[:, :-1, :-1]
    errors = [
        np.abs(a - b)[edge]
        for a, b, edge in zip(_slopes(ours[0][..., 0]), _slopes(theirs[0][..., 0]), (down, across), strict=True)
    ]
    return float(np.concatenate(errors).mean())


def mean_error(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean absolute error of the mean luminance of a hole."""
    hole = theirs[1]
    apart = ((ours[0] - theirs[0])[..., 0] * hole).sum((1, 2)) / np.maximum(hole.sum((1, 2)), 1)
    return float(np.abs(apart).mean())


def feature_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Root mean square of the features' differences in units of the truth's spreads."""
    spread = np.maximum(theirs.std(axis=0), 1e-9)
    return float(np.sqrt(np.mean(((ours - theirs) / spread) ** 2)))


def largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest change of a known pixel."""
    del theirs
    return float(ours.max(initial=0.0))


LUMINANCE, COLOUR = slice(0, 1), slice(1, 3)


def _error(at_most: float) -> Figure:
    distance = partial(hole_error, planes=LUMINANCE)
    return Figure("hole_l1", _pictures, distance, at_most=at_most, text="mean absolute error in holes, luminance")


def _psnr(at_least: float) -> Figure:
    return Figure(
        "hole_psnr", _pictures, hole_psnr, at_least=at_least, text="PSNR of luminance within holes", units="dB"
    )


def _kind(code: int, name: str, words: str, *figures: Figure) -> Group:
    return by(Split("middle", (Part(name, code, code, words=words),)), *figures)


def _share(low: float, high: float, name: str, words: str, *figures: Figure) -> Group:
    return by(Split("share", (Part(name, low, high, False, words),)), *figures)


def _plain(name: str, distance: Callable[..., float], at_most: float, text: str) -> Figure:
    return Figure(name, _pictures, distance, at_most=at_most, text=text)


FIGURES = Figures(
    (
        _error(0.060),
        _plain("hole_colour_l1", partial(hole_error, planes=COLOUR), 0.0068, "mean absolute error in holes, colour"),
        _psnr(20.2),
        _plain("seam_error", seam_error, 0.034, "error of steps across the edges of holes"),
        _plain("mean_error", mean_error, 0.0175, "error of a hole's mean luminance"),
        _plain("roughness", roughness, 1.0, "log ratio of the sizes of slopes within holes"),
        Figure("feature_error", "features", feature_error, at_most=0.68, text="error of features, in spreads"),
        Figure(
            "feature_frechet",
            "features",
            frechet_distance,
            at_most=11.0,
            text="Fréchet distance of features of a small classifier (not the FID)",
        ),
        Figure("known_change", "known", largest, at_most=0.0, text="largest change of a known pixel"),
        _kind(0, "strokes", "free-form holes", _error(0.056), _psnr(20.4)),
        _kind(1, "middle", "holes in the middle", _error(0.069), _psnr(19.7)),
        _share(0.0, 0.15, "small", "holes of less than 0.15 of the picture", _error(0.072)),
        _share(0.15, 1.1, "large", "holes of 0.15 of the picture and more", _error(0.058)),
    ),
    reduce=reduce,
    n=N,
)
"""The plugin's measure: pictures with filled holes and the pictures before, one by one."""
