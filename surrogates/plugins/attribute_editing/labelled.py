"""Pictures with labels in the layout of CelebA, and the plugin for the labels that are found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.defaults import uniform_prior
from ...contract.deferred import deferred
from ...contract.errors import SchemaError
from ...contract.plugin import Plugin
from ...contract.schema import Schema, Variable
from ...io.labelled_pictures import LABELS, read_labelled
from ...measuring.figures import Figure, Figures
from .variables import AXES, SIZE, picture

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = (
    f"a folder with {LABELS} (CelebA's: a count, the names, a line of 1 and -1 a picture) and the pictures it names"
)


def labelled(folder: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """Pictures of a folder, cut to the square in the middle and resized, and their labels as 0 and 1."""
    import xarray as xr

    del kept
    pictures, names, labels = read_labelled(folder, SIZE)
    data: dict[str, tuple] = {
        "edited": (("sample", "y", "x", "channel"), pictures.astype(np.float32) / np.float32(255))
    }
    for column, name in enumerate(names):
        data[name] = (("sample",), labels[:, column].astype(np.int8))
    return (xr.Dataset(data, coords={"sample": np.arange(len(pictures))}),)


def found(pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    """Schemas of labelled pictures: a picture and labels to have or not, any of them left out."""
    names = [str(name) for name in pools[0].data_vars if name != "edited"]
    asked = tuple(
        Variable(name, name.replace("_", " ").lower(), dtype="int8", categories=("off", "on"), optional=True)
        for name in names
    )
    image = picture("image", "picture to edit, red, green and blue (sRGB)")
    made = picture("edited", "the picture with the labels that are asked")
    return Schema((image, *asked), AXES), Schema((made,), AXES, source="labels: " + " ".join(names))


def described(plugin: Plugin) -> Plugin:
    """The plugin for labels that were found; as it is for galaxies."""
    if not plugin.outputs.source:
        return plugin
    names = tuple(name for name in plugin.conditions.names if name != "image")
    figures = Figures((Figure("change", _change, _larger, text="mean change of a picture"),), n=100)
    return replace(
        plugin,
        title=f"pictures edited by {len(names)} labels",
        prior=uniform_prior,
        truth=_truth,
        codec=partial(deferred("surrogates.plugins.attribute_editing.unpaired:LabelCodec"), names),
        constraints=(),
        limits=(),
        measure=figures,
        targets=figures.targets,
        impostors={},
    )


def _change(data: xr.Dataset) -> np.ndarray:
    return np.abs(data["edited"].values - data["image"].values).mean(axis=(1, 2, 3))


def _larger(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(abs(ours.mean() - theirs.mean()))


def _truth(n: int, seed: int) -> xr.Dataset:
    del n, seed
    raise SchemaError("truth: weights learned from labelled pictures bring none; expected pictures that were held out")
