"""Images by category from a flow of an autoencoder's codes, in three phases.

An autoencoder is trained on mean absolute error and then against a critic of patches; a U-net learns the flow from
noise to its codes (latent generative models: Rombach et al. 2022, arXiv:2112.10752; flow matching: Lipman et al. 2023,
arXiv:2210.02747). Where labels are left out of some training samples, the flow can be guided towards its label
(Ho, Salimans 2022, arXiv:2207.12598).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..contract.errors import SchemaError
from ..networks.autoencoder import Autoencoder, PatchCritic
from ..networks.unet import ContextUNet
from .adversarial import Game, Penalty, adversarial_steps, spectrally_normalised
from .flow import Sampler, Target, integrate, matching_steps

if TYPE_CHECKING:
    from ..contract.recipe import Batch
    from ..noise import Noise
    from .image_codec import ImageCodec

Tensors = dict[str, Tensor]

JITTER = 0.1
"""Standard deviation of the noise on the codes that the decoder is trained on; codes lie within 2 of 0."""

GAME = Game("hinge")
FIDELITY = 20.0
"""Weight of the mean absolute error beside the critic's verdict."""


@dataclass(frozen=True)
class GuidedSampler(Sampler):
    """How the flow is integrated, and how strongly towards its label.

    Attributes
    ----------
    guidance : float
        1 follows the flow of the label; w > 1 goes w times as far from the flow without a label, for twice the work.
    """

    guidance: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.guidance >= 1.0:
            raise SchemaError(f"guidance: {self.guidance}; expected 1 or more")


class LatentVelocity(nn.Module):
    """Velocity of codes (n, code, k, k) at times (n,) for label vectors (n, categories)."""

    def __init__(self, code: int, categories: int, width: int) -> None:
        super().__init__()
        self.network = ContextUNet(code, classes=categories, width=width, multipliers=(1, 2))

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Of x's shape; there is no mask."""
        return self.network(x, time, context)


class LatentFlow(nn.Module):
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

    ships: tuple[str, ...] = ("autoencoder", "flow")

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
        super().__init__()
        self.code, self.side = code, codec.size // (2 << levels)
        self.autoencoder = Autoencoder(codec.channels, code, width=coder, levels=levels)
        self.critic = spectrally_normalised(PatchCritic(codec.channels))
        self.flow = LatentVelocity(code, codec.categories, width)
        self.unlabelled, self.flips = unlabelled, flips
        self.options = sampler or Sampler(steps=10, method="heun")

    def noise(self, noise: Noise) -> Tensor:
        """Where the flow starts."""
        return noise.normal((self.code, self.side, self.side), "code").float()

    def velocity(self) -> Callable[..., Tensor]:
        """The flow, guided as the options say."""
        guidance = getattr(self.options, "guidance", 1.0)
        if guidance == 1.0:
            return self.flow
        if not self.unlabelled:
            raise SchemaError(f"guidance: {guidance}; this model was trained with every label told, expected 1")

        def guided(x: Tensor, time: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
            told, plain = self.flow(x, time, context), self.flow(x, time, torch.zeros_like(context))
            return plain + guidance * (told - plain)

        return guided

    def images(self, start: Tensor, label: Tensor) -> Tensor:
        """Encoded images of starts (n, code, k, k) and label vectors (n, categories)."""
        return self.autoencoder.decode(integrate(self.velocity(), start, label, sampler=self.options))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw images."""
        return {"image": self.images(self.noise(noise), conditions["label"])}


def shown(model: LatentFlow, batch: Batch) -> Tensor:
    """A batch's images, some of them mirrored where the model may."""
    images = batch.encoded["image"]
    if not model.flips:
        return images
    if "turned" not in batch.encoded:
        turn = batch.noise.uniform((1,), "mirrored").to(images.device)[:, :, None, None] < 0.5
        batch.encoded["turned"] = torch.where(turn, images.flip(3), images)
    return batch.encoded["turned"]


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


def _codes(model: LatentFlow, batch: Batch) -> Target:
    label = batch.conditions["label"]
    if model.unlabelled:
        label = label * (batch.noise.uniform((1,), "unlabelled").to(label) >= model.unlabelled)
    with torch.no_grad():
        return Target(model.autoencoder.encode(shown(model, batch)), label)


_match: Any = matching_steps(_codes, "flow", spread=1.0)


def match(model: LatentFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Flow matching of the codes."""
    yield from _match(model, batch)
