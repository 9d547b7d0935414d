"""Cheap ways to edit a galaxy, which the figures must tell from exact counterfactuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .counterfactuals import EDITS

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor


def _with(truth: xr.Dataset, pictures: np.ndarray) -> xr.Dataset:
    made = np.clip(pictures, 0.0, 1.0).astype(np.float32)
    return truth.assign(edited=truth["edited"].copy(data=made))


def _asked(truth: xr.Dataset) -> dict[str, Tensor]:
    import torch

    return {str(name): torch.from_numpy(truth[name].values) for name in truth.data_vars if name != "edited"}


def unchanged(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture as it was."""
    del seed
    return _with(truth, truth["image"].values)


def scaled(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The light of each band brought to what is asked, and nothing else: exact for brightness and colour."""
    from ...physics.galaxies import editing
    from .codec import fluxes_of, pictures_of, wanted_fluxes

    del seed
    asked = _asked(truth)
    given = fluxes_of(asked["image"])
    return _with(truth, pictures_of(editing.at_flux(given, wanted_fluxes(given, asked))).numpy())


def mapped(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """An affine map to the radius and ellipticity that are asked, and the light asked: where the network begins."""
    from .codec import fluxes_of, pictures_of
    from .codec import mapped as by_map

    del seed
    asked = _asked(truth)
    return _with(truth, pictures_of(by_map(fluxes_of(asked["image"]), asked)).numpy())


def mean_difference(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture and the mean difference image of the attribute, and a part in proportion to the number asked.

    The means are over the other rows of the truth.
    """
    del seed
    image, edited = truth["image"].values, truth["edited"].values
    made = image.copy()
    for name in EDITS:
        values = truth[name].values
        rows = values >= 0 if name == "morphology" else ~np.isnan(values)
        if not rows.any():
            continue
        number = values[rows].astype(float)
        table = np.stack((np.ones_like(number), number - number.mean()), axis=1)
        hat = table @ np.linalg.pinv(table)
        own = np.diag(hat)[:, None]
        flat = (edited - image)[rows].reshape(len(number), -1)
        without = (hat @ flat - own * flat) / np.maximum(1.0 - own, 0.25)
        made[rows] += without.reshape(made[rows].shape)
    return _with(truth, made)


IMPOSTORS = {"unchanged": unchanged, "scaled": scaled, "mapped": mapped, "mean difference": mean_difference}
"""Name -> maker of the plugin's own impostors."""
