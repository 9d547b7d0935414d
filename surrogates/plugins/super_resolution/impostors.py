"""Cheap ways to enlarge a picture, which the figures must tell from the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .variables import SCALE

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    Impostor = Callable[[xr.Dataset, int], xr.Dataset]


def replaced(truth: xr.Dataset, way: Callable[[Tensor], Tensor]) -> xr.Dataset:
    """The truth with what `way` makes of its small pictures (n, channel, y, x)."""
    import torch

    small = torch.from_numpy(truth["image"].values).double().permute(0, 3, 1, 2)
    made = way(small).clamp(0.0, 1.0).permute(0, 2, 3, 1).numpy().astype(np.float32)
    return truth.assign(upscaled=truth["upscaled"].copy(data=made))


def bicubic(truth: xr.Dataset, seed: int, *, scale: int = SCALE) -> xr.Dataset:
    """Keys' cubic kernel."""
    from ...physics.images.resampling import enlarged

    del seed
    return replaced(truth, lambda small: enlarged(small, scale))


def lanczos(truth: xr.Dataset, seed: int, *, scale: int = SCALE) -> xr.Dataset:
    """A windowed sinc of three lobes."""
    from ...physics.images.resampling import lanczos as windowed

    del seed
    return replaced(truth, lambda small: windowed(small, scale))


def nearest(truth: xr.Dataset, seed: int, *, scale: int = SCALE) -> xr.Dataset:
    """Each pixel as often as it becomes larger."""
    from ...physics.images.resampling import nearest as repeated

    del seed
    return replaced(truth, lambda small: repeated(small, scale))


def sharpened(truth: xr.Dataset, seed: int, *, scale: int = SCALE) -> xr.Dataset:
    """Cubic, and then an unsharp mask that brings its sharpness near the truth's."""
    from ...physics.images.resampling import enlarged
    from ...physics.images.resampling import sharpened as masked

    del seed
    return replaced(truth, lambda small: masked(enlarged(small, scale), 0.7, 2.0))


def enlargements(scale: int) -> dict[str, Impostor]:
    """Name -> maker of the impostors at a scale."""
    ways = {"bicubic": bicubic, "lanczos": lanczos, "nearest": nearest, "sharpened bicubic": sharpened}
    return {name: partial(way, scale=scale) for name, way in ways.items()}


IMPOSTORS = enlargements(SCALE)
"""Name -> maker of the plugin's own impostors."""
