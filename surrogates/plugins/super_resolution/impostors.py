"""Cheap ways to enlarge a picture, which the figures must tell from the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .variables import SCALE

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor


def _enlarged(truth: xr.Dataset, way: Callable[[Tensor], Tensor]) -> xr.Dataset:
    import torch

    small = torch.from_numpy(truth["image"].values).double().permute(0, 3, 1, 2)
    made = way(small).clamp(0.0, 1.0).permute(0, 2, 3, 1).numpy().astype(np.float32)
    return truth.assign(upscaled=truth["upscaled"].copy(data=made))


def bicubic(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Keys' cubic kernel."""
    from ...physics.images.resampling import enlarged

    del seed
    return _enlarged(truth, lambda small: enlarged(small, SCALE))


def lanczos(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """A windowed sinc of three lobes."""
    from ...physics.images.resampling import lanczos as windowed

    del seed
    return _enlarged(truth, lambda small: windowed(small, SCALE))


def nearest(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Each pixel sixteen times."""
    from ...physics.images.resampling import nearest as repeated

    del seed
    return _enlarged(truth, lambda small: repeated(small, SCALE))


def sharpened(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Cubic, and then an unsharp mask that brings its sharpness near the truth's."""
    from ...physics.images.resampling import enlarged
    from ...physics.images.resampling import sharpened as masked

    del seed
    return _enlarged(truth, lambda small: masked(enlarged(small, SCALE), 0.7, 2.0))


IMPOSTORS = {"bicubic": bicubic, "lanczos": lanczos, "nearest": nearest, "sharpened bicubic": sharpened}
"""Name -> maker of the plugin's own impostors."""
