"""The literature's generators of medical images by category: the auxiliary-classifier GAN and a conditional DCGAN.

Odena et al. 2017, arXiv:1610.09585: 100 normals and an embedded label in; the discriminator's verdict and its guess of
the category, both learned. Radford et al. 2016, arXiv:1511.06434, with the label beside the noise. Both with group norm
in place of batch norm, so that a sample does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...models.adversarial import Game, adversarial_steps
from ...networks.convolutions import ConvolutionalDiscriminator, ConvolutionalGenerator

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise
    from .codec import GreyCodec

Tensors = dict[str, Tensor]

LATENT, EMBEDDED = 100, 32
AUXILIARY = Game("logistic", smoothing=0.1, auxiliary=1.0, r1=0.5, penalty_every=8)
PLAIN = Game("logistic", smoothing=0.1)


class CategoryGAN(nn.Module):
    """Generator and discriminator of grey images.

    Parameters
    ----------
    codec : GreyCodec
    width : int
        Channels at the finest stage; the literature's is 64.
    auxiliary : bool
        Whether the discriminator guesses the category; else it is told it.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, codec: GreyCodec, width: int = 32, *, auxiliary: bool = True) -> None:
        super().__init__()
        categories, shape = codec.categories, {"size": codec.size, "width": width, "patch": 2}
        embedded = EMBEDDED if auxiliary else categories
        self.auxiliary = auxiliary
        self.generator = nn.ModuleDict(
            {
                "label": nn.Linear(categories, embedded, bias=False) if auxiliary else nn.Identity(),
                "image": ConvolutionalGenerator(LATENT + embedded, 1, **shape),
            }
        )
        if auxiliary:
            self.discriminator = ConvolutionalDiscriminator(1, 1 + categories, minibatch=4, **shape)
        else:
            self.discriminator = ConvolutionalDiscriminator(1, context=categories, **shape)

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


def _real(model: CategoryGAN, batch: Batch) -> Tensor:
    return batch.encoded["image"]


def _generate(model: CategoryGAN, batch: Batch, draw: str) -> Tensor:
    label = batch.conditions["label"]
    return model.images(torch.randn(len(label), LATENT, device=label.device), label)


def _judge(model: CategoryGAN, batch: Batch, images: Tensor) -> Tensor:
    return model.judge(images, batch.conditions["label"])


_auxiliary = adversarial_steps(
    _real, _generate, _judge, AUXILIARY, labels=lambda model, batch: batch.conditions["category"]
)
_plain = adversarial_steps(_real, _generate, _judge, PLAIN)


def play(model: CategoryGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The game with a class head."""
    yield from _auxiliary(model, batch)


def play_plain(model: CategoryGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The game with a label that both sides are told."""
    yield from _plain(model, batch)
