"""The figures of attribute editing: edits against exact counterfactuals, attribute by attribute.

What is measured of the edit, the counterfactual and the picture given is by the tools of `surrogates.physics.galaxies`
and by no network. An error is stated in units of what the exact edit changes, so that no edit has 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.figures import Figure, Figures, Group, Part, Split, by
from .counterfactuals import EDITS
from .variables import PIXEL

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

N = 300
"""Pictures on each side of a figure."""

TOLD_BY = {
    "morphology": ("clumpiness", "concentration"),
    "half_light_radius": ("radius",),
    "ellipticity": ("ellipticity",),
    "magnitude_r": ("magnitude",),
    "colour": ("colour",),
}
"""Attribute -> what is measured of it."""

UNITS = {
    "radius": 0.2,
    "ellipticity": 0.15,
    "magnitude": 1.0,
    "colour": 0.4,
    "clumpiness": 0.05,
    "concentration": 0.1,
}
"""Sizes of differences that count as one, about the spread of the changes that are asked."""


def measured(pictures: Tensor) -> dict[str, np.ndarray]:
    """Attributes of pictures (n, y, x, 3), each (n,)."""
    from ...physics.galaxies import editing
    from .codec import R, fluxes_of

    fluxes = fluxes_of(pictures)
    radius, e, _ = editing.shape(fluxes[:, R], PIXEL)
    i, r, g = editing.magnitudes(fluxes).unbind(dim=1)
    found = {
        "radius": radius,
        "ellipticity": e,
        "magnitude": r,
        "colour": g - i,
        "clumpiness": editing.clumpiness(fluxes[:, R]),
        "concentration": editing.concentration(fluxes[:, R]),
    }
    return {name: value.nan_to_num(0.0).numpy() for name, value in found.items()}


def reduce(data: xr.Dataset) -> xr.Dataset:
    """Pictures and what is measured of them, before (`old_...`) and after, and which attribute was asked alone."""
    import torch
    import xarray as xr

    if "asked" in data:
        return data
    asked = [data["morphology"].values >= 0] + [~np.isnan(data[name].values) for name in EDITS[1:]]
    code = np.where(np.sum(asked, axis=0) == 1, np.argmax(asked, axis=0), -1)
    fields: dict[str, tuple] = {"asked": (("sample",), code)}
    for name, prefix in (("edited", ""), ("image", "old_")):
        pictures = data[name].values
        fields[f"{prefix}picture"] = (("sample", "number"), pictures.reshape(len(pictures), -1))
        values = measured(torch.from_numpy(pictures))
        fields |= {f"{prefix}{key}": (("sample",), value / UNITS[key]) for key, value in values.items()}
    return xr.Dataset(fields, coords={"sample": data["sample"]})


def _chosen(data: xr.Dataset, *, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.stack([data[prefix + name].values for name in names], axis=-1) for prefix in ("", "old_"))  # type: ignore[return-value]


def left(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean absolute error in units of the mean absolute change that the exact edit makes."""
    return float(np.abs(ours[0] - theirs[0]).mean() / max(np.abs(theirs[1] - theirs[0]).mean(), 1e-9))


def error(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean absolute error in `UNITS`."""
    return float(np.abs(ours[0] - theirs[0]).mean())


PICTURE: Callable[[xr.Dataset], tuple[np.ndarray, np.ndarray]] = partial(_chosen, names=("picture",))


def _of(name: str, image_at_most: float, target_at_most: float) -> Group:
    own = TOLD_BY[name]
    others = tuple(key for key in UNITS if key not in own and not (name == "half_light_radius" and key == "clumpiness"))
    part = Split("asked", (Part(name, EDITS.index(name), EDITS.index(name), words=f"{name} edited"),))
    return by(
        part,
        Figure("image_left", PICTURE, left, at_most=image_at_most, text="error of the picture over the change"),
        Figure(
            "target_left", partial(_chosen, names=own), left, at_most=target_at_most, text="its error over its change"
        ),
        Figure("collateral", partial(_chosen, names=others), error, at_most=0.15, text="errors of what was not asked"),
    )


FIGURES = Figures(
    (
        Figure("image_left", PICTURE, left, at_most=0.3, text="error of the picture over the change"),
        _of("morphology", 0.6, 0.5),
        _of("half_light_radius", 0.2, 0.15),
        _of("ellipticity", 0.5, 0.4),
        _of("magnitude_r", 0.05, 0.02),
        _of("colour", 0.05, 0.02),
    ),
    reduce=reduce,
    n=N,
)
"""The plugin's measure: edits and exact counterfactuals, one by one."""
