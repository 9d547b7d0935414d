"""Cheap ways to enlarge what a JPEG file holds, which the figures must tell from the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ..impostors import enlargements, replaced
from ..variables import SCALE

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

SMOOTHED = 0.7
"""Standard deviation [small pixels] of the blur that takes the worst off artefacts."""


def smoothed(truth: xr.Dataset, seed: int, *, scale: int) -> xr.Dataset:
    """Blurred, and then enlarged by Keys' cubic kernel."""
    from ....physics.images.resampling import blurred, enlarged

    def way(small: Tensor) -> Tensor:
        return enlarged(blurred(small, SMOOTHED), scale)

    del seed
    return replaced(truth, way)


def clean_weights(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The plugin's own weights for pictures that were reduced and not compressed."""
    from ....sampling.opening import load

    made = load("super-resolution", model="fidelity").sample(truth[["image"]], seed=seed)
    return truth.assign(upscaled=truth["upscaled"].copy(data=made["upscaled"].values))


def impostors(scale: int) -> Mapping[str, Callable[[xr.Dataset, int], xr.Dataset]]:
    """Name -> maker, at this scale."""
    made = {**enlargements(scale), "smoothed bicubic": partial(smoothed, scale=scale)}
    return {**made, "weights for clean pictures": clean_weights} if scale == SCALE else made
