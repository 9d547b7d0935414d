"""The adversarial phase: pictures whose texture a critic of patches takes for a photograph's.

The losses of SRGAN and ESRGAN (Ledig et al. 2017, arXiv:1609.04802; Wang et al. 2018, arXiv:1809.00219) behind the
exact projection of the default: absolute error, distance in a network's features, and a relativistic critic. Features
are of the small classifier that is packaged for measuring, or of a user's VGG. The texture is invented: it may look
right and be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.adversarial import discriminator_loss, generator_loss, separation
from ...networks.image_translation import PatchDiscriminator
from ...physics.images.colour import bytes_to_planes, from_luminance
from ...physics.images.cropping import cropped
from .network import COLOUR, CROP, SuperResolution
from .variables import SCALE

if TYPE_CHECKING:
    from ...contract.recipe import Batch

ERROR, LIKENESS, GAME = 1.0, 0.1, 0.005
"""Weights of the absolute error, of the distance in features, and of the critic's verdict."""


class SharpSuperResolution(SuperResolution):
    """The default's network with a critic, which is not shipped.

    Parameters
    ----------
    width, layers : int
        Of the network.
    features : str
        A file of VGG weights (see `surrogates.networks.vgg`); the packaged classifier's features without one.
    """

    projections: int = 4  # sharper pictures are farther from what reduces to the one asked

    def __init__(self, width: int, layers: int, features: str = "") -> None:
        super().__init__(width, layers)
        self.critic = PatchDiscriminator(3, width=24, strides=(2, 2), spectral=True)
        self.features = features


@cache
def _maps(features: str) -> Callable[[Tensor], Sequence[Tensor]]:
    if features:
        from ...networks.vgg import VGGFeatures

        return VGGFeatures(features).requires_grad_(False)
    from ...measuring.picture_features import activations

    return activations


def open_features(model: SharpSuperResolution) -> None:
    """Refuse a user's file of weights before the first phase, not after it."""
    _maps(model.features)


def unlikeness(made: Tensor, true: Tensor, features: str = "") -> Tensor:
    """Mean absolute difference of feature maps in units of the true ones' mean, of pictures (n, 3, y, x); (n,)."""
    maps = _maps(features)
    with torch.no_grad():
        wanted = maps(true)
    levels = [
        (one - other).abs().mean(dim=(1, 2, 3)) / (other.abs().mean() + 1e-6)
        for one, other in zip(maps(made), wanted, strict=True)
    ]
    return torch.stack(levels).mean(dim=0)


def _colours(planes: Tensor) -> Tensor:
    return from_luminance(planes.movedim(1, -1)).movedim(-1, 1)


def sharpen(model: SharpSuperResolution, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Crops, flipped and turned at random, enlarged and projected, against the photographs'."""
    drawn = batch.noise.uniform((3,), "crop")
    small = cropped(batch.encoded["reduced"], drawn, CROP)
    large = bytes_to_planes(cropped(batch.encoded["photograph"], drawn, SCALE * CROP, multiple=SCALE))
    made = model.consistent(bytes_to_planes(small))
    true, shown = _colours(large), _colours(made)
    above, below = model.critic(true), model.critic(shown.detach())
    batch.notes["separation"] = separation(above.detach().mean(dim=(1, 2)), below.detach().mean(dim=(1, 2)))
    yield "critic", discriminator_loss(above, below, "relativistic").mean(dim=(1, 2))
    error = (made - large).abs().mean(dim=(2, 3))
    likeness = unlikeness(shown, true, model.features)
    batch.notes["luminance_error"], batch.notes["unlikeness"] = error[:, 0].detach().mean(), likeness.detach().mean()
    with torch.no_grad():
        photographs = model.critic(true)
    verdict = generator_loss(model.critic(shown), "relativistic", photographs).mean(dim=(1, 2))
    yield "network", ERROR * (error[:, 0] + COLOUR * error[:, 1:].sum(dim=1)) + LIKENESS * likeness + GAME * verdict
