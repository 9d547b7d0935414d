"""The truth of the checks: crops of the packaged photographs, each photograph a category.

Weights of a user's folder are held against that folder's own held-out images instead, which `held_out` reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...io.image_folders import read_classes
from ...noise import draws
from ...physics.images.photographs import crops
from ...training.class_images import split, to_dataset
from .variables import CATEGORIES, CONDITIONS, OUTPUTS, SIZE, schemas

if TYPE_CHECKING:
    import xarray as xr

SHRUNK = 2
"""Pixels of a photograph on a side of one of a crop."""


def truth(n: int, seed: int) -> xr.Dataset:
    """Crops of 64 pixels a side, shrunk to 32 by means, turned one of eight ways; photographs take turns."""
    pictures = crops(draws(seed, np.arange(n)).uniform((3,), "crop"), SHRUNK * SIZE, first=seed)
    shares = pictures.astype(np.float32).reshape(n, SIZE, SHRUNK, SIZE, SHRUNK, 3).mean((2, 4)) / np.float32(255)
    made = OUTPUTS.dataset({"image": shares}, seed=seed)
    return made.assign(CONDITIONS.labelled({"category": (np.arange(n) + seed) % len(CATEGORIES)}))


def held_out(folder: Path, size: int = SIZE) -> tuple[xr.Dataset, xr.Dataset]:
    """Two sets without a common image of those of a folder that no training sees, the categories in turn."""
    whole, _ = read_classes(folder, size, least=1, colour=True)
    kept = split(whole, held_out=True)
    places = [np.flatnonzero(kept.codes == code) for code in range(len(kept.classes))]
    each = min(len(place) for place in places) // 2
    sides = [np.stack([place[start : start + each] for place in places], axis=1).ravel() for start in (0, each)]
    chosen = [kept.chosen(side) for side in sides]
    first, second = (to_dataset(side.images, side.codes, side.classes, schemas) for side in chosen)
    return first, second
