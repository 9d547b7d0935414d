"""Conditions of style transfer: crops of the packaged photographs, styles in turn, all strengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...noise import draws
from ...physics.images.drawn_styles import NAMES
from ...physics.images.photographs import crops

if TYPE_CHECKING:
    import xarray as xr

SIDE = 96
"""Pixels on a side of the pictures that the figures are taken of."""

WHOLE, PURE = 0.5, 0.7
"""Shares of pictures at full strength, and of those of one style alone."""


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Crops of the packaged photographs, every style as often; half at full strength, most of one style alone."""
    drawn = draws(seed, np.arange(n))
    pictures = crops(drawn.uniform((3,), "crop"), SIDE, first=seed).astype(np.float32) / np.float32(255)
    kinds, amounts = drawn.uniform((2,), "kind"), drawn.uniform((2,), "how much")
    amounts = np.where(kinds < (WHOLE, PURE), (1.0, 0.0), amounts)
    places = {"image": pictures, "strength": amounts[:, 0], "second_share": amounts[:, 1]}
    values = {name: _within(schema, name, place) for name, place in places.items()}
    turns = (np.arange(n) + np.arange(n) // len(NAMES)) % len(NAMES)
    other = np.floor(drawn.uniform((), "second style") * len(NAMES)).astype(np.int64)
    return schema.dataset({**values, "style": turns, "second_style": other})


def _within(schema: Schema, name: str, place: np.ndarray) -> np.ndarray:
    low, high = schema[name].bounds or (0.0, 1.0)
    return np.clip(low + (high - low) * place, low, high)
