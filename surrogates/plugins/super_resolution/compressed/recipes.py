"""How the network for JPEG files is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ....contract.deferred import deferred
from ....contract.recipe import Codec, Muon, Phase, Recipe
from ..variables import SCALE
from .photographs import tiles
from .variables import schemas

if TYPE_CHECKING:
    from .network import CompressedSuperResolution

SCALES = (2, 4)


@dataclass(frozen=True)
class CompressedOptions:
    """What `train --set` may change.

    Attributes
    ----------
    scale : int
        How many times larger the sides become.
    width, layers : int
        Of the network; of the default's size it begins with the default's weights.
    updates : int
        16 crops of 32 x 32 small pixels each.
    rate : float
        Largest learning rate of the kernels.
    """

    scale: int = SCALE
    width: int = 40
    layers: int = 8
    updates: int = 1400
    rate: float = 1e-2

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"scale: {self.scale}; expected {' or '.join(map(str, SCALES))}")
        if min(self.width, self.layers, self.updates) < 1:
            raise ValueError(f"width {self.width}, layers {self.layers}, updates {self.updates}; expected 1 or more")


def _model(codec: Codec, *, options: CompressedOptions) -> CompressedSuperResolution:
    from .network import CompressedSuperResolution

    del codec
    return CompressedSuperResolution(options.width, options.layers, options.scale)


def jpeg(options: CompressedOptions) -> Recipe:
    """The least absolute error of photographs that were reduced and then compressed."""
    network = "surrogates.plugins.super_resolution.compressed.network"
    optimiser = Muon(1e-3, matrices=options.rate, inside="layers", betas=(0.9, 0.99), clip=0.5, warmup=50)
    return Recipe(
        data=None,
        model=partial(_model, options=options),
        phases=(
            Phase(
                deferred(f"{network}:learn"),
                options.updates,
                {"network": optimiser},
                start=deferred(f"{network}:begin_clean"),
                average=0.998,
            ),
        ),
        batch_size=16,
        sample_batch=1,
        learns=partial(tiles, scale=options.scale),
        layout="a folder of photographs (PNG, JPEG, WebP, TIFF), sub-folders too",
        source="a folder of photographs",
        schema=partial(schemas, options.scale),
        description=f"JPEG files enlarged {options.scale} times, their artefacts removed; least L1",
        use=f"Enlarging photographs {options.scale} times that were reduced and saved once as JPEG: of qualities from "
        "30 to 75 nearer to the original than bicubic and than the weights for clean pictures. Artefacts go, and with "
        "them what is as faint; what is made does not reduce to what was asked.",
    )
