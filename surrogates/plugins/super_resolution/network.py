"""The model: what cubic interpolation misses, by a convolutional network at the small size, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ...contract.errors import SchemaError
from ...networks.tiles import in_tiles, over_turns
from ...networks.upscaling import Upscaler
from ...physics.images.colour import bytes_to_planes
from ...physics.images.cropping import cropped
from ...physics.images.resampling import cubic, enlarged
from .variables import SCALE

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

CROP = 32
"""Pixels on a side of the small crops that the network learns from."""

PROJECTIONS = 2
"""Times that what a picture, reduced, differs from the small one is enlarged and added (Irani, Peleg 1991, CVGIP:
Graph. Models Image Process. 53, 231); each looks two small pixels far, there and back."""

COLOUR = 0.25
"""Weight of the colour differences in the loss, luminance 1."""


@dataclass(frozen=True)
class UpscalingOptions:
    """How pictures are enlarged.

    Attributes
    ----------
    self_ensemble : bool
        Mean over the eight ways to hold the picture: eight times the work for 0.1 dB or so.
    tile : int
        Pixels on a side of the small picture that are computed at once.
    """

    self_ensemble: bool = False
    tile: int = 96

    def __post_init__(self) -> None:
        if self.tile < 1:
            raise SchemaError(f"tile: {self.tile} pixels; expected 1 or more")


class SuperResolution(nn.Module):
    """Pictures of `scale` times the sides.

    Attributes
    ----------
    projections : int
        Times that what is made is brought towards what reduces to the picture asked.
    """

    ships: tuple[str, ...] = ("network",)
    projections: int = PROJECTIONS

    def __init__(self, width: int, layers: int, scale: int = SCALE) -> None:
        super().__init__()
        self.scale = scale
        self.network = Upscaler(3, scale=scale, width=width, layers=layers)
        self.options = UpscalingOptions()

    def enlarge(self, small: Tensor) -> Tensor:
        """Planes (n, 3, scale y, scale x) of planes (n, 3, y, x)."""
        return enlarged(small, self.scale) + self.network(small)

    def consistent(self, small: Tensor) -> Tensor:
        """The same, projected so that it reduces to what it was made of."""
        large = self.enlarge(small)
        for _ in range(self.projections):
            large = large + enlarged(small - cubic(large, (small.shape[-2], small.shape[-1])), self.scale)
        return large

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Enlarge; nothing is drawn."""
        del noise
        tile, halo = self.options.tile, self.network.halo + 4 * self.projections

        def whole(pictures: Tensor) -> Tensor:
            return in_tiles(self.consistent, pictures, tile=tile, halo=halo, scale=self.scale)

        small = conditions["small"].float()
        made = {"large": over_turns(whole, small) if self.options.self_ensemble else whole(small)}
        if "alpha" in conditions:
            made["large_alpha"] = enlarged(conditions["alpha"].float(), self.scale)
        return made


def absolute_error(model: SuperResolution, batch: Batch, small: Tensor) -> Tensor:
    """Mean absolute error (n,) of crops of small pictures (n, y, x, 3), flipped and turned at random."""
    drawn = batch.noise.uniform((3,), "crop")
    large = cropped(batch.encoded["photograph"], drawn, model.scale * CROP, multiple=model.scale)
    made = model.enlarge(bytes_to_planes(cropped(small, drawn, CROP)))
    error = (made - bytes_to_planes(large)).abs().mean(dim=(2, 3))
    batch.notes["luminance_error"] = error[:, 0].detach().mean()
    return error[:, 0] + COLOUR * error[:, 1:].sum(dim=1)


def learn(model: SuperResolution, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error of crops, flipped and turned at random."""
    yield "network", absolute_error(model, batch, batch.encoded["reduced"])
