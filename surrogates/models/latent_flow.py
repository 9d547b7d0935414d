"""Images by category from a flow of an autoencoder's codes, in three phases.

An autoencoder is trained on mean absolute error and then against a critic of patches; a U-net learns the flow from
noise to its codes (latent generative models: Rombach et al. 2022, arXiv:2112.10752).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..networks.autoencoder import Autoencoder, PatchCritic
from .adversarial import Game, Penalty, adversarial_steps, spectrally_normalised
from .flow import Sampler
from .guided_flow import GuidedFlow, LabelledVelocity, match, shown

if TYPE_CHECKING:
    from ..contract.recipe import Batch
    from .image_codec import ImageCodec

__all__ = ["LatentFlow", "match", "rebuild", "sharpen"]

JITTER = 0.1
"""Standard deviation of the noise on the codes that the decoder is trained on; codes lie within 2 of 0."""

GAME = Game("hinge")
FIDELITY = 20.0
"""Weight of the mean absolute error beside the critic's verdict."""


class LatentFlow(GuidedFlow):
    """Images by category from a flow of codes; `using(steps=…, method=…)` chooses the sampler.

    Parameters
    ----------
    codec : ImageCodec
        Fitted; gives the number of categories, channels and pixels.
    width : int
        Channels of the flow's U-net at the finest level; the literature's is 128 or more.
    code, levels : int
        Channels of a code, and halvings of an image's side beyond the first.
    coder : int
        Channels of the autoencoder's finest level.
    unlabelled : float
        Share of training samples whose label the flow is not told, so that it can be guided; 0 for none.
    flips : bool
        Whether images are as good mirrored left to right, as photographs are and radiographs are not.
    sampler : Sampler
    """

    ships: tuple[str, ...] = ("autoencoder", "flow", "spectrum")

    def __init__(
        self,
        codec: ImageCodec,
        width: int = 56,
        *,
        code: int = 16,
        levels: int = 2,
        coder: int = 32,
        unlabelled: float = 0.0,
        flips: bool = False,
        sampler: Sampler | None = None,
    ) -> None:
        side = codec.size // (2 << levels)
        super().__init__(
            LabelledVelocity(code, codec.categories, width),
            (code, side, side),
            codec,
            unlabelled=unlabelled,
            flips=flips,
            sampler=sampler or Sampler(steps=10, method="heun"),
        )
        self.autoencoder = Autoencoder(codec.channels, code, width=coder, levels=levels)
        self.critic = spectrally_normalised(PatchCritic(codec.channels))

    def made(self, end: Tensor) -> Tensor:
        return self.autoencoder.decode(end)

    def learned(self, images: Tensor) -> Tensor:
        return self.autoencoder.encode(images)


def rebuilt(model: LatentFlow, images: Tensor) -> Tensor:
    """Images through the autoencoder, with noise on their codes."""
    code = model.autoencoder.encode(images)
    return model.autoencoder.decode(code + JITTER * torch.randn_like(code))  # the loop seeds torch anew every step


def _error(made: Tensor, images: Tensor) -> Tensor:
    return (made - images).abs().flatten(1).mean(dim=1)


def rebuild(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error of the autoencoder."""
    images = shown(model, batch)
    yield "autoencoder", _error(rebuilt(model, images), images)


_sharpen = adversarial_steps(
    shown,
    lambda model, batch, draw: rebuilt(model, shown(model, batch)),
    lambda model, batch, images: model.critic(images),
    GAME,
    penalties=(Penalty(FIDELITY, lambda model, batch, made: _error(made, shown(model, batch))),),
    generator="autoencoder",
    discriminator="critic",
)


def sharpen(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The autoencoder against a critic of patches."""
    yield from _sharpen(model, batch)
