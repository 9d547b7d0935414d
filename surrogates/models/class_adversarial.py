"""The literature's adversarial generators of images by category: told the category, or guessing it.

A conditional DCGAN (Radford et al. 2016, arXiv:1511.06434, the label beside the noise) and the auxiliary-classifier GAN
(Odena et al. 2017, arXiv:1610.09585: an embedded label in; the discriminator's verdict and its guess of the category,
both learned). Generators have group norm in place of batch norm, so that a sample does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..networks.convolutions import ConvolutionalDiscriminator, ConvolutionalGenerator
from .adversarial import Game, adversarial_steps, spectrally_normalised

if TYPE_CHECKING:
    from ..contract.recipe import Batch
    from ..noise import Noise
    from .image_codec import ImageCodec

Tensors = dict[str, Tensor]

LATENT = 100
"""Normal numbers of a latent vector."""


class ClassGAN(nn.Module):
    """Generator and discriminator of images.

    Parameters
    ----------
    codec : ImageCodec
        Fitted; gives the number of categories, channels and pixels.
    width : int
        Channels at the finest stage; the literature's is 64.
    embedded : int
        Length of the label's embedding in the generator; 0 gives it the label vector itself.
    auxiliary : bool
        Whether the discriminator guesses the category; else it is told it.
    patch : int
        Pixels on a side that the generator's last convolution makes at once.
    spectral : bool
        Whether the discriminator's matrices have a spectral norm of 1, and it no other normalisation.
    normalised : bool
        Whether group norms stand in a discriminator without a spectral norm.
    flips : bool
        Whether real images are as good mirrored left to right.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(
        self,
        codec: ImageCodec,
        width: int = 32,
        *,
        embedded: int,
        auxiliary: bool = False,
        patch: int = 2,
        spectral: bool = False,
        normalised: bool = True,
        flips: bool = False,
    ) -> None:
        super().__init__()
        categories = codec.categories
        shape: dict[str, Any] = {"size": codec.size, "width": width, "patch": patch}
        self.auxiliary, self.flips = auxiliary, flips
        self.generator = nn.ModuleDict(
            {
                "label": nn.Linear(categories, embedded, bias=False) if embedded else nn.Identity(),
                "image": ConvolutionalGenerator(LATENT + (embedded or categories), codec.channels, **shape),
            }
        )
        if auxiliary:
            critic = ConvolutionalDiscriminator(codec.channels, 1 + categories, minibatch=4, **shape)
        else:
            critic = ConvolutionalDiscriminator(
                codec.channels, context=categories, normalised=normalised and not spectral, **shape
            )
        self.discriminator = spectrally_normalised(critic) if spectral else critic

    def images(self, latent: Tensor, label: Tensor) -> Tensor:
        """Encoded images of latent vectors (n, 100) and label vectors (n, categories)."""
        vector = torch.cat((latent, self.generator["label"](label)), dim=1)
        return torch.tanh(self.generator["image"](vector))

    def judge(self, images: Tensor, label: Tensor) -> Tensor:
        """(n, 1 + categories) verdicts and guesses, or (n, 1) verdicts."""
        return self.discriminator(images) if self.auxiliary else self.discriminator(images, label)

    def noise(self, noise: Noise) -> Tensor:
        """Where a sample starts."""
        return noise.normal((LATENT,), "latent").float()

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw images."""
        return {"image": self.images(self.noise(noise), conditions["label"])}


def class_game(game: Game) -> Callable[[ClassGAN, Batch], Iterator[tuple[str, Tensor]]]:
    """Steps of a phase of `ClassGAN` by the rules of `game`, the guess of the category among them where it weighs."""
    return adversarial_steps(
        _real,
        _generate,
        lambda model, batch, images: model.judge(images, batch.conditions["label"]),
        game,
        labels=(lambda model, batch: batch.conditions["category"]) if game.auxiliary else None,
    )


def _real(model: ClassGAN, batch: Batch) -> Tensor:
    images = batch.encoded["image"]
    if not model.flips:
        return images
    if "turned" not in batch.encoded:
        turn = batch.noise.uniform((1,), "mirrored").to(images.device)[:, :, None, None] < 0.5
        batch.encoded["turned"] = torch.where(turn, images.flip(3), images)
    return batch.encoded["turned"]


def _generate(model: ClassGAN, batch: Batch, draw: str) -> Tensor:
    label = batch.conditions["label"]
    return model.images(torch.randn(len(label), LATENT, device=label.device), label)
