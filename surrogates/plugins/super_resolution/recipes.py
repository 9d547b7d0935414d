"""How the network that enlarges is trained: on tiles of a folder of photographs, to the least absolute error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Codec, Muon, Phase, Recipe, configurable
from .photographs import tiles

if TYPE_CHECKING:
    from .network import SuperResolution


@dataclass(frozen=True)
class UpscalerOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width, layers : int
        Of the network; the literature's has 64 channels and 32 convolutions.
    updates : int
        16 crops of 32 x 32 small pixels each.
    rate : float
        Largest learning rate of the kernels.
    """

    width: int = 40
    layers: int = 8
    updates: int = 1400
    rate: float = 1.5e-2

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.updates) < 1:
            raise ValueError(f"width {self.width}, layers {self.layers}, updates {self.updates}; expected 1 or more")


def _model(codec: Codec, *, width: int, layers: int) -> SuperResolution:
    from .network import SuperResolution

    del codec
    return SuperResolution(width, layers)


def fidelity(options: UpscalerOptions) -> Recipe:
    """The least absolute error of luminance and colour."""
    optimiser = Muon(1e-3, matrices=options.rate, inside="layers", betas=(0.9, 0.99), clip=0.5, warmup=50)
    return Recipe(
        data=None,
        model=partial(_model, width=options.width, layers=options.layers),
        phases=(
            Phase(
                deferred("surrogates.plugins.super_resolution.network:learn"),
                options.updates,
                {"network": optimiser},
                average=0.998,
            ),
        ),
        batch_size=16,
        sample_batch=1,
        learns=tiles,
        layout="a folder of photographs (PNG, JPEG, WebP, TIFF), sub-folders too",
        description="convolutions at the small size and a sub-pixel one, added to cubic interpolation; least L1",
        use="Enlarging photographs that were reduced cleanly: nearest to the original on average, and smooth where "
        "nothing is known. Not for JPEG artefacts or noise, which it keeps, and no detail that was lost is invented.",
        source="a folder of photographs",
    )


RECIPES = {"fidelity": configurable(fidelity, UpscalerOptions())}
