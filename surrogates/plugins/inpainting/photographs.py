"""Pictures with holes: of the packaged photographs, and of a user's folder to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...noise import draws
from ...physics.images.photographs import crops
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

SIDE = 64
"""Pixels on a side of the truth's pictures and of those that training learns from."""

TILE = 96
"""Pixels on a side of the tiles that training keeps."""


def _drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops (n, SIDE, SIDE, 3) in [0, 1] and holes (n, SIDE, SIDE); of every three holes one in the middle."""
    import torch

    from ...physics.images.masks import DRAWS, holes

    drawn = draws(seed, np.arange(n))
    pictures = crops(drawn.uniform((3,), "crop"), SIDE, first=seed)
    hole = holes(torch.from_numpy(drawn.uniform((1 + DRAWS,), "hole")), SIDE)
    return pictures.astype(np.float32) / np.float32(255), hole.numpy().astype(np.int8)


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Crops of the packaged photographs with holes; their numbers brought within the bounds of `schema`."""
    low, high = schema["image"].bounds or (0.0, 1.0)
    pictures, mask = _drawn(n, seed)
    known = pictures * (1 - mask[..., None])
    return schema.dataset({"image": np.clip(low + (high - low) * known, low, high), "mask": mask})


def truth(n: int, seed: int) -> xr.Dataset:
    """Crops of the packaged photographs, with holes and as they are."""
    pictures, mask = _drawn(n, seed)
    asked = CONDITIONS.dataset({"image": pictures * (1 - mask[..., None]).astype(np.float32), "mask": mask})
    return asked.merge(OUTPUTS.dataset({"inpainted": pictures}))


def tiles(folder: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """Tiles of all photographs of a folder and its sub-folders, as bytes; nothing is kept, reading takes seconds."""
    import xarray as xr

    from ...io.pictures import photograph_tiles

    del kept
    found = [
        photograph[top : top + TILE, left : left + TILE]
        for photograph, places in photograph_tiles(folder, TILE)
        for top, left in places
    ]
    data = {"photograph": (("sample", "tile_y", "tile_x", "colour"), np.stack(found))}
    return (xr.Dataset(data, coords={"sample": np.arange(len(found))}),)
