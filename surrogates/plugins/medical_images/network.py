"""The default model: flow matching of an autoencoder's codes, by category.

An autoencoder is trained on mean absolute error and then against a critic of patches; a U-net learns the flow from
noise to its codes (Lipman et al. 2023, arXiv:2210.02747).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ...models.adversarial import Game, Penalty, adversarial_steps, spectrally_normalised
from ...models.flow import Sampler, Target, integrate, matching_steps
from ...networks.autoencoder import Autoencoder, PatchCritic
from ...networks.unet import ContextUNet

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise
    from .codec import GreyCodec

Tensors = dict[str, Tensor]

CODE = 16
GRID = 8  # pixels on a side of an image for one of its code
JITTER = 0.1
"""Standard deviation of the noise on the codes that the decoder is trained on; codes lie within 2 of 0."""

GAME = Game("hinge")
FIDELITY = 20.0
"""Weight of the mean absolute error beside the critic's verdict."""


class LatentVelocity(nn.Module):
    """Velocity of codes (n, 16, k, k) at times (n,) for label vectors (n, categories)."""

    def __init__(self, categories: int, width: int) -> None:
        super().__init__()
        self.network = ContextUNet(CODE, classes=categories, width=width, multipliers=(1, 2))

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Of x's shape; there is no mask."""
        return self.network(x, time, context)


class LatentFlow(nn.Module):
    """Grey images by category from a flow of codes; `using(steps=…, method=…)` chooses the sampler.

    Parameters
    ----------
    codec : GreyCodec
        Fitted; gives the number of categories and of pixels.
    width : int
        Channels of the flow's U-net at the finest level; the literature's is 128 or more.
    """

    ships: tuple[str, ...] = ("autoencoder", "flow")

    def __init__(self, codec: GreyCodec, width: int = 56) -> None:
        super().__init__()
        self.side = codec.size // GRID
        self.autoencoder = Autoencoder(1, CODE)
        self.critic = spectrally_normalised(PatchCritic(1))
        self.flow = LatentVelocity(codec.categories, width)
        self.options = Sampler(steps=10, method="heun")

    def noise(self, noise: Noise) -> Tensor:
        """Where the flow starts."""
        return noise.normal((CODE, self.side, self.side), "code").float()

    def images(self, start: Tensor, label: Tensor) -> Tensor:
        """Encoded images of starts (n, 16, k, k) and label vectors (n, categories)."""
        return self.autoencoder.decode(integrate(self.flow, start, label, sampler=self.options))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw images."""
        return {"image": self.images(self.noise(noise), conditions["label"])}


def rebuilt(model: LatentFlow, images: Tensor) -> Tensor:
    """Images through the autoencoder, with noise on their codes."""
    code = model.autoencoder.encode(images)
    return model.autoencoder.decode(code + JITTER * torch.randn_like(code))  # the loop seeds torch anew every step


def _error(made: Tensor, images: Tensor) -> Tensor:
    return (made - images).abs().flatten(1).mean(dim=1)


def rebuild(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error of the autoencoder."""
    images = batch.encoded["image"]
    yield "autoencoder", _error(rebuilt(model, images), images)


_sharpen = adversarial_steps(
    lambda model, batch: batch.encoded["image"],
    lambda model, batch, draw: rebuilt(model, batch.encoded["image"]),
    lambda model, batch, images: model.critic(images),
    GAME,
    penalties=(Penalty(FIDELITY, lambda model, batch, made: _error(made, batch.encoded["image"])),),
    generator="autoencoder",
    discriminator="critic",
)


def sharpen(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The autoencoder against a critic of patches."""
    yield from _sharpen(model, batch)


def _codes(model: LatentFlow, batch: Batch) -> Target:
    with torch.no_grad():
        return Target(model.autoencoder.encode(batch.encoded["image"]), batch.conditions["label"])


_match: Any = matching_steps(_codes, "flow", spread=1.0)


def match(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Flow matching of the codes."""
    yield from _match(model, batch)
