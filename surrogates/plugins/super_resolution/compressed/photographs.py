"""Photographs that were reduced and then compressed as JPEG, of a drawn quality and subsampling of colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....contract.schema import Schema
from ....io.jpeg_coding import compressed
from ....noise import draws
from ..photographs import as_numbers, photograph_crops, small_pictures
from .variables import LARGE_TILE, conditions, outputs

if TYPE_CHECKING:
    import xarray as xr

QUALITIES = (30, 95)
"""Least and greatest quality that is drawn, evenly."""

COLOURS = ("4:4:4", "4:2:0")
"""Subsamplings of colours, each as often."""

VERSIONS = 6
"""Times that every training photograph is compressed, each by a quality and a subsampling of its own."""

_DRAW = "jpeg"


def as_jpeg(picture: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """A picture (y, x, 3) of bytes as a JPEG file holds it; two uniform numbers say its quality and subsampling."""
    least, greatest = QUALITIES
    quality = least + int(drawn[0] * (greatest - least + 1))
    return compressed(picture, quality, COLOURS[int(drawn[1] * len(COLOURS))])


def _files(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Numbers of pictures (n, y, x, 3) of bytes, each compressed."""
    drawn = draws(seed, np.arange(len(pictures))).uniform((2,), _DRAW)
    made = [as_jpeg(picture, how) for picture, how in zip(pictures, drawn, strict=True)]
    return as_numbers(np.stack(made) if made else pictures)


def prior(schema: Schema, n: int, seed: int, *, scale: int) -> xr.Dataset:
    """Crops of the packaged photographs, reduced and compressed; their numbers brought within the bounds."""
    low, high = schema["image"].bounds or (0.0, 1.0)
    small = _files(small_pictures(photograph_crops(n, seed), scale), seed)
    return schema.dataset({"image": np.clip(low + (high - low) * small, low, high)})


def truth(n: int, seed: int, *, scale: int) -> xr.Dataset:
    """Crops of the packaged photographs, reduced and compressed, and as they are."""
    pictures = photograph_crops(n, seed)
    small = conditions().dataset({"image": _files(small_pictures(pictures, scale), seed)})
    return small.merge(outputs(scale).dataset({"upscaled": as_numbers(pictures)}))


def tiles(folder: Path, kept: Path, *, scale: int) -> tuple[xr.Dataset, ...]:
    """Tiles of all photographs of a folder and its sub-folders with their compressed reductions, as bytes.

    A photograph is reduced and compressed whole, so that blocks lie in tiles as they come.

    Parameters
    ----------
    folder : Path
    kept : Path
        Where nothing is kept: reading takes seconds.
    scale : int

    Raises
    ------
    FileFormatError
        A file that does not read, or no photograph of 192 x 192 pixels or more.
    """
    import xarray as xr

    from ....io.pictures import photograph_tiles

    del kept
    large, small, side = [], [], LARGE_TILE // scale
    for number, (photograph, places) in enumerate(photograph_tiles(folder, LARGE_TILE, multiple=scale)):
        little = small_pictures(photograph[None], scale)[0]
        drawn = draws(0, np.array([number])).uniform((VERSIONS, 2), _DRAW)[0]
        files = np.stack([as_jpeg(little, how) for how in drawn])
        for top, left in places:
            large.append(photograph[top : top + LARGE_TILE, left : left + LARGE_TILE])
            first, start = top // scale, left // scale
            small.append(files[:, first : first + side, start : start + side])
    data = {
        "photograph": (("sample", "tile_y", "tile_x", "colour"), np.stack(large)),
        "reduced": (("sample", "version", "small_y", "small_x", "colour"), np.stack(small)),
    }
    return (xr.Dataset(data, coords={"sample": np.arange(len(large))}),)
