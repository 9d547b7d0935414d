"""Pairs of a photograph and its reduction: of the packaged photographs, and of a user's folder to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...noise import draws
from ...physics.images.photographs import crops
from .variables import CONDITIONS, OUTPUTS, SCALE

if TYPE_CHECKING:
    import xarray as xr

SIDE = 96
"""Pixels on a side of the truth's pictures."""

TILE = 48
"""Pixels on a side of the reduced tiles that training keeps; it learns from crops of them."""


def small_pictures(pictures: np.ndarray, scale: int = SCALE) -> np.ndarray:
    """Pictures (n, y, x, 3) of bytes reduced by the antialiased cubic kernel, bytes again."""
    import torch

    from ...physics.images.resampling import reduced

    numbers = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    small = reduced(numbers, scale) if len(numbers) else numbers[..., ::scale, ::scale]
    return torch.round(small * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def photograph_crops(n: int, seed: int) -> np.ndarray:
    """Crops (n, 96, 96, 3) of the packaged photographs, as bytes."""
    return crops(draws(seed, np.arange(n)).uniform((3,), "crop"), SIDE, first=seed)


def as_numbers(pictures: np.ndarray) -> np.ndarray:
    """Bytes as numbers in [0, 1]."""
    return pictures.astype(np.float32) / np.float32(255)


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Crops of the packaged photographs, reduced; their numbers brought within the bounds of `schema`."""
    low, high = schema["image"].bounds or (0.0, 1.0)
    small = as_numbers(small_pictures(photograph_crops(n, seed)))
    return schema.dataset({"image": np.clip(low + (high - low) * small, low, high)})


def truth(n: int, seed: int) -> xr.Dataset:
    """Crops of the packaged photographs, reduced and as they are."""
    pictures = photograph_crops(n, seed)
    small = CONDITIONS.dataset({"image": as_numbers(small_pictures(pictures))})
    return small.merge(OUTPUTS.dataset({"upscaled": as_numbers(pictures)}))


def tiles(folder: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """Tiles of all photographs of a folder and its sub-folders with their reductions, as bytes.

    Parameters
    ----------
    folder : Path
    kept : Path
        Where nothing is kept: reading takes seconds.

    Raises
    ------
    FileFormatError
        A file that does not read, or no photograph of 192 x 192 pixels or more.
    """
    import xarray as xr

    from ...io.pictures import photograph_tiles

    del kept
    large, small = [], []
    for photograph, places in photograph_tiles(folder, SCALE * TILE, multiple=SCALE):
        little = small_pictures(photograph[None])[0]
        for top, left in places:
            large.append(photograph[top : top + SCALE * TILE, left : left + SCALE * TILE])
            first, start = top // SCALE, left // SCALE
            small.append(little[first : first + TILE, start : start + TILE])
    data = {
        "photograph": (("sample", "tile_y", "tile_x", "colour"), np.stack(large)),
        "reduced": (("sample", "small_y", "small_x", "colour"), np.stack(small)),
    }
    return (xr.Dataset(data, coords={"sample": np.arange(len(large))}),)
