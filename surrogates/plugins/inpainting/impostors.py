"""Cheap ways to fill a hole, which the figures must tell from the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor


def filled_by(truth: xr.Dataset, way: Callable[[Tensor, Tensor], Tensor]) -> xr.Dataset:
    """`truth` whose holes are filled by ``way(pictures, known)`` of tensors (n, channel, y, x) and (n, 1, y, x)."""
    import torch

    picture = torch.from_numpy(truth["image"].values).double().permute(0, 3, 1, 2)
    known = 1.0 - torch.from_numpy(truth["mask"].values).double()[:, None]
    made = torch.where(known > 0, picture, way(picture, known).clamp(0.0, 1.0))
    return truth.assign(inpainted=truth["inpainted"].copy(data=made.permute(0, 2, 3, 1).numpy().astype(np.float32)))


def mean_colour(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The mean of the known pixels."""
    del seed

    def mean(picture: Tensor, known: Tensor) -> Tensor:
        return (picture * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True) + 0 * picture

    return filled_by(truth, mean)


def laplace(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The solution of Laplace's equation with the known pixels as its edge, on which the network builds."""
    from ...physics.images.filling import harmonic

    del seed
    return filled_by(truth, harmonic)


def pull_push(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Means at the finest scale that knows any."""
    from ...physics.images.filling import filled

    del seed
    return filled_by(truth, filled)


def shuffled(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Known pixels of the picture, dealt into the hole at random."""
    generator = np.random.default_rng([seed, 41])
    made = truth["image"].values.copy()
    for picture, mask in zip(made, truth["mask"].values > 0, strict=True):
        known = picture[~mask]
        picture[mask] = known[generator.integers(0, len(known), int(mask.sum()))]
    return truth.assign(inpainted=truth["inpainted"].copy(data=made))


IMPOSTORS = {"mean colour": mean_colour, "Laplace": laplace, "pull-push": pull_push, "shuffled pixels": shuffled}
"""Name -> maker of the plugin's own impostors."""
