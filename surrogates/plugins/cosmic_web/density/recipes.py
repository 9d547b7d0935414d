"""How the model of cosmic-web's densities is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....contract.deferred import deferred
from ....contract.recipe import Adam, Phase, Recipe
from ....contract.schema import Schema
from .variables import CONDITIONS, SIDE, outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from .network import DensityGAN


@dataclass(frozen=True)
class GanOptions:
    """What may be changed: mesh points of a box and channels at its resolution, updates and boxes to learn from."""

    side: int = SIDE
    width: int = 16
    updates: int = 700
    boxes: int = 800

    def __post_init__(self) -> None:
        if self.side < SIDE or self.side % SIDE:
            raise ValueError(f"side: {self.side} mesh points; expected a multiple of {SIDE}")
        if self.width < 4 or self.width % 2 or min(self.updates, self.boxes) < 4:
            raise ValueError("width, updates, boxes: expected an even width and numbers of 4 or more")


def gan(options: GanOptions) -> Recipe:
    """The literature's convolutional GAN."""
    quick, slow = (Adam(rate, betas=(0.5, 0.9), clip=10.0, warmup=40, final_fraction=0.1) for rate in (2e-3, 1e-3))
    return Recipe(
        data=partial(_data, options),
        model=partial(_model, options),
        phases=(
            Phase(
                deferred("surrogates.plugins.cosmic_web.density.network:play"),
                options.updates,
                {"discriminator": slow, "generator": quick},
                average=0.99,
            ),
        ),
        batch_size=4,
        sample_batch=8,
        codec=deferred("surrogates.plugins.cosmic_web.density.codec:DensityCodec"),
        schema=partial(_schemas, options.side),
        description="the literature's 3-D convolutional GAN: a field of normal numbers and a cosmology in, a box out",
        use="A baseline of the literature, to compare with: no initial field, so that its boxes are compared with the "
        "reference's by their statistics alone, and have no structure beyond 64 Mpc/h.",
        baseline=True,
        source=f"{options.boxes} boxes of {options.side}^3 particles of the reference, simulated by the recipe, each "
        "of its own cosmology",
    )


def _data(options: GanOptions, folder: Path) -> tuple[xr.Dataset, ...]:
    from .reference import training_boxes

    return (training_boxes(options.side, options.boxes, folder),)


def _model(options: GanOptions, codec: Any) -> DensityGAN:
    from .network import DensityGAN

    return DensityGAN(options.side, options.width, codec)


def _schemas(side: int, pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    return CONDITIONS, outputs(side)
