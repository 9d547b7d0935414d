"""The model: what Laplace's equation misses, by a context encoder, in tiles that hold a part of the hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.errors import SchemaError
from ...models.adversarial import Game, Penalty, adversarial_steps
from ...networks.convolutions import ConvolutionalDiscriminator
from ...networks.inpainting import ContextEncoder
from ...networks.tiles import in_tiles
from ...physics.images.colour import bytes_to_planes
from ...physics.images.cropping import cropped
from ...physics.images.filling import harmonic
from ...physics.images.masks import DRAWS, holes
from .photographs import SIDE

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

PLANES = (1.0, 0.5, 0.5)
"""Weights of luminance and colour differences in the loss."""

PIXELS = 20.0
"""Weight of the absolute error beside the discriminator's verdict."""


@dataclass(frozen=True)
class FillingOptions:
    """How holes are filled.

    Attributes
    ----------
    tile : int
        Pixels on a side that are computed at once, a multiple of 4.
    """

    tile: int = 256

    def __post_init__(self) -> None:
        if self.tile < 4 or self.tile % 4:
            raise SchemaError(f"tile: {self.tile} pixels; expected a multiple of 4, 4 or more")


class Inpainting(nn.Module):
    """Pictures without holes."""

    ships: tuple[str, ...] = ("network",)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = ContextEncoder(3, width=width)
        self.discriminator = ConvolutionalDiscriminator(3, size=SIDE, width=24, maps=1)
        self.options = FillingOptions()

    def fill(self, smooth: Tensor, hole: Tensor) -> Tensor:
        """Planes (n, 3, y, x) of planes that were filled smoothly, and the hole (n, 1, y, x)."""
        centred = torch.cat((smooth[:, :1] - 0.5, smooth[:, 1:]), dim=1)
        return smooth + hole * self.network(centred, hole)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Fill; nothing is drawn."""
        del noise
        both = torch.cat((conditions["smooth"], conditions["hole"]), dim=1).float()
        height, width = both.shape[-2:]
        patch = self.network.patch
        # what is beyond the edge is its repetition, and known
        both = functional.pad(both, (0, -width % patch, 0, -height % patch), mode="replicate")
        both[:, 3:, height:], both[:, 3:, :, width:] = 0.0, 0.0

        def whole(tile: Tensor) -> Tensor:
            smooth, hole = tile[:, :3], tile[:, 3:]
            return self.fill(smooth, hole) if bool(hole.any()) else smooth

        made = in_tiles(whole, both, tile=self.options.tile, halo=self.network.halo, multiple=patch)
        found = {"made": made[..., :height, :width]}
        if "alpha" in conditions:
            found["made_alpha"] = conditions["alpha"].float()
        return found


def pictures(batch: Batch) -> Tensors:
    """`true` planes, `smooth` ones and the `hole` of a batch's crops, made once."""
    if "true" not in batch.encoded:
        crop = cropped(batch.encoded["photograph"], batch.noise.uniform((3,), "crop"), SIDE)
        true = bytes_to_planes(crop)
        hole = holes(batch.noise.uniform((1 + DRAWS,), "hole"), SIDE)[:, None]
        batch.encoded.update(true=true, hole=hole, smooth=harmonic(true, 1.0 - hole))
    return batch.encoded


def pixel_error(made: Tensor, true: Tensor, hole: Tensor) -> Tensor:
    """Mean absolute error within the hole, weighed over planes, (n,)."""
    error = (made - true).abs() * hole * made.new_tensor(PLANES)[:, None, None]
    return error.flatten(1).sum(dim=1) / hole.flatten(1).sum(dim=1).clamp_min(1.0)


def learn(model: Inpainting, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error within holes."""
    found = pictures(batch)
    made = model.fill(found["smooth"], found["hole"])
    yield "network", pixel_error(made, found["true"], found["hole"])


def _real(model: Inpainting, batch: Batch) -> Tensor:
    return pictures(batch)["true"]


def _generate(model: Inpainting, batch: Batch, draw: str) -> Tensor:
    found = pictures(batch)
    return model.fill(found["smooth"], found["hole"])


def _judge(model: Inpainting, batch: Batch, planes: Tensor) -> Tensor:
    return model.discriminator(planes, maps=pictures(batch)["hole"])[:, 0]


def _error(model: Inpainting, batch: Batch, made: Tensor) -> Tensor:
    found = pictures(batch)
    return pixel_error(made, found["true"], found["hole"])


compete = adversarial_steps(
    _real,
    _generate,
    _judge,
    Game("relativistic", r1=0.05, r2=0.05, penalty_every=4),
    penalties=(Penalty(PIXELS, _error),),
    generator="network",
)
"""The discriminator's verdict on whole pictures beside the absolute error (Pathak et al. 2016, arXiv:1604.07379)."""
