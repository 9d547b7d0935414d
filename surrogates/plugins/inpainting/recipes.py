"""How the network that fills holes is trained: on tiles of a folder of photographs, by error and then by a rival."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Muon, Phase, Recipe, configurable
from .photographs import tiles

if TYPE_CHECKING:
    from .network import Inpainting


@dataclass(frozen=True)
class ContextOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width : int
        Channels of the network.
    updates, adversarial_updates : int
        By the absolute error alone, and then beside a discriminator; 16 pictures of 64 x 64 each.
    """

    width: int = 64
    updates: int = 8500
    adversarial_updates: int = 150

    def __post_init__(self) -> None:
        if min(self.width, self.updates, self.adversarial_updates) < 1:
            raise ValueError(f"{self}; expected numbers of 1 or more")


def _model(codec: Codec, *, width: int) -> Inpainting:
    from .network import Inpainting

    del codec
    return Inpainting(width)


def context(options: ContextOptions) -> Recipe:
    """A context encoder with dilated convolutions."""
    kernels = Muon(1e-3, matrices=1e-2, inside="layers", betas=(0.9, 0.99), clip=1.0, warmup=50)
    late = Muon(2e-4, matrices=1e-3, inside="layers", betas=(0.5, 0.99), clip=1.0, warmup=50)
    where = "surrogates.plugins.inpainting.network"
    return Recipe(
        data=None,
        model=partial(_model, width=options.width),
        phases=(
            Phase(deferred(f"{where}:learn"), options.updates, {"network": kernels}, average=0.998),
            Phase(
                deferred(f"{where}:compete"),
                options.adversarial_updates,
                {"network": late, "discriminator": Adam(4e-4, betas=(0.5, 0.99), clip=5.0, warmup=50)},
                average=0.99,
            ),
        ),
        batch_size=16,
        sample_batch=1,
        learns=tiles,
        layout="a folder of photographs (PNG, JPEG, WebP, TIFF), sub-folders too",
        description="context encoder with dilated convolutions on a Laplace fill; least L1, then adversarial",
        use="It fills holes of photographs, whose known pixels are untouched, a little nearer than "
        "Laplace's equation does, with a little more of their texture. It continues tones and invents no "
        "objects; not for pictures that matter.",
        source="a folder of photographs",
    )


RECIPES = {"context": configurable(context, ContextOptions())}
