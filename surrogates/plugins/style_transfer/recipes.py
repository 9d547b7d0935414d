"""How the network that draws is trained: on tiles of a folder of photographs, in all styles at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.deferred import deferred
from ...contract.recipe import Codec, Muon, Phase, Recipe, configurable

if TYPE_CHECKING:
    import xarray as xr

    from .network import StyleTransfer

TILE = 144
"""Pixels on a side of the tiles that training keeps; it learns from crops of them."""


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


@dataclass(frozen=True)
class StylistOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width, fine : int
        Channels of the network at a quarter and at half of the size.
    blocks : int
        Residual blocks.
    updates, further_updates : int
        Of 6 crops of 96 x 96 pixels each; at the second number the rates begin anew, and higher.
    """

    width: int = 48
    fine: int = 16
    blocks: int = 4
    updates: int = 2000
    further_updates: int = 1600

    def __post_init__(self) -> None:
        if min(self.width, self.fine, self.blocks, self.updates, self.further_updates) < 1:
            raise ValueError(f"{self}; expected numbers of 1 or more")


def _model(codec: Codec, *, options: StylistOptions) -> StyleTransfer:
    from .network import StyleTransfer

    del codec
    return StyleTransfer(options.width, options.fine, options.blocks)


def stylist(options: StylistOptions) -> Recipe:
    """One network for all styles."""
    first, again = (
        Muon(rate, matrices=matrices, inside="layers", betas=(0.9, 0.99), clip=1.0, warmup=50)
        for rate, matrices in ((3e-3, 1e-2), (4e-3, 1.5e-2))
    )
    steps = deferred("surrogates.plugins.style_transfer.network:learn")
    return Recipe(
        data=None,
        model=partial(_model, options=options),
        phases=(
            Phase(steps, options.updates, {"network": first}, average=0.99),
            Phase(steps, options.further_updates, {"network": again}, average=0.99),
        ),
        batch_size=6,
        sample_batch=1,
        learns=tiles,
        layout="a folder of photographs (PNG, JPEG, WebP, TIFF), sub-folders too",
        description="one feed-forward network, conditional instance normalisation, Gram-matrix loss",
        use="Drawing photographs in eight ways that were made by rule, alone, mixed or in part. A way to draw, not "
        "a likeness of any artist's work; fine text and small faces get lost. Not yet for pictures that matter: a fine "
        "grid of one size shows in every style, and styles are told apart by colour and tone more than by their "
        "strokes.",
        source="a folder of photographs",
    )


RECIPES = {"stylist": configurable(stylist, StylistOptions())}
