"""The literature's conditional DCGAN with a physics predictor: 100 normals and 8 numbers in, a three-band image out.

Phase 1 pre-trains a predictor of the attributes on the reference (and the generator on its mean squared error, after
Ledig et al. 2017, arXiv:1609.04802, section 3.2). Phase 2 plays the game with label smoothing, and the generator also
minimises lambda times the mean squared error between predicted and asked attributes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.adversarial import Game, Penalty, adversarial_steps
from ...networks.convolutions import ConvolutionalDiscriminator, ConvolutionalGenerator
from ...networks.mlp import MLP
from .observation import detector_draws
from .pixels import ATTRIBUTES, MEASURABLE, NOISE, shape_map
from .variables import BANDS, STAMP

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

LATENT = 100
LAMBDA = 3.0
GAME = Game("logistic", smoothing=0.1, fake_smoothing=0.1, r1=1.0, penalty_every=4)
BLUR = 0.05
"""Standard deviation of the noise on whatever the discriminator sees (Arjovsky, Bottou 2017, arXiv:1701.04862): the
reference's images are free of noise, and it would tell the generator's by their faintest pixels alone."""


class PixelModel(nn.Module, ABC):
    """What the GAN and the diffusion model share: missing flux, blends and noise; a subclass draws one image."""

    def __init__(self) -> None:
        super().__init__()
        self.enclosed = MLP(len(ATTRIBUTES), len(BANDS), 48, 3)

    @abstractmethod
    def draw(self, attributes: Tensor, noise: Noise, name: str) -> Tensor:
        """Normalised images (n, band, 64, 64) at attributes (n, 8); `name` goes into the names of the draws."""

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw images and missing fluxes, of a second class too where two are blended, and the detector's noise."""
        attributes = conditions["attributes"].float()
        made = {
            "image": self.draw(attributes, noise, "galaxy"),
            "missing_flux": self.missing_flux(attributes),
        }
        if "blend_fraction" in conditions and bool((conditions["blend_fraction"] > 0).any()):
            second = conditions["second_attributes"].float()
            made["second_image"] = self.draw(second, noise, "second galaxy")
            made["second_missing_flux"] = self.missing_flux(second)
        return made | detector_draws(conditions, noise) if set(NOISE) <= set(conditions) else made

    def missing_flux(self, attributes: Tensor) -> Tensor:
        """Logarithm of the flux share outside the stamp, (n, band)."""
        return self.enclosed(2.0 * attributes - 1.0) - 4.0

    def missing_flux_loss(self, batch: Batch) -> Tensor:
        """Squared error of the missing flux, one value a sample."""
        found = self.missing_flux(batch.conditions["attributes"].float())
        return (found - batch.encoded["missing_flux"]).square().mean(dim=1)


class GalaxyGAN(PixelModel):
    """Generator, discriminator and physics predictor of normalised galaxy images.

    Parameters
    ----------
    width : int
        Channels at the finest stage of each network; the literature's is 64.
    patch : int
        Pixels on a side that the finest stage makes at once.
    """

    ships: tuple[str, ...] = ("generator", "enclosed")

    def __init__(self, width: int = 32, patch: int = 2) -> None:
        super().__init__()
        bands = len(BANDS)
        shape: dict[str, Any] = {"size": STAMP, "width": width, "patch": patch}
        self.generator = ConvolutionalGenerator(LATENT + len(ATTRIBUTES), bands, maps=1, **shape)
        self.discriminator = ConvolutionalDiscriminator(bands, context=len(ATTRIBUTES), maps=1, minibatch=4, **shape)
        self.predictor = ConvolutionalDiscriminator(bands, MEASURABLE, **shape)

    def draw(self, attributes: Tensor, noise: Noise, name: str) -> Tensor:
        return self.generate(attributes, noise.normal((LATENT,), name, "latent").float())

    def generate(self, attributes: Tensor, latent: Tensor) -> Tensor:
        """Normalised images in [-1, 1] of attributes (n, 8) and latent vectors (n, 100)."""
        vector = torch.cat((latent, 2.0 * attributes - 1.0), dim=1)
        return smoothed(torch.tanh(self.generator(vector, shape_map(attributes))))

    def judge(self, attributes: Tensor, images: Tensor) -> Tensor:
        """(n,) scores of images at their attributes."""
        return self.discriminator(images, 2.0 * attributes - 1.0, shape_map(attributes))[:, 0]

    def predict(self, images: Tensor) -> Tensor:
        """(n, MEASURABLE) attributes in [0, 1] that the predictor reads off images."""
        return self.predictor(images)


def smoothed(images: Tensor) -> Tensor:
    """Images (n, band, y, x) through the weights 1/4, 1/2, 1/4 along both axes, edges repeated.

    The reference's Gaussian of 0.2 arcsec lets nothing pass at the finest frequency of 0.1 arcsec pixels either.
    """
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    rows = 0.25 * (padded[..., :-2, :] + padded[..., 2:, :]) + 0.5 * padded[..., 1:-1, :]
    return 0.25 * (rows[..., :-2] + rows[..., 2:]) + 0.5 * rows[..., 1:-1]


def turned(images: Tensor) -> Tensor:
    """Images, each turned by 180 degrees with probability 1/2: what the attributes cannot tell apart."""
    half = torch.rand(len(images), device=images.device) < 0.5  # the loop seeds torch anew every step
    return torch.where(half[:, None, None, None], images.flip((-1, -2)), images)


def real(model: GalaxyGAN, batch: Batch) -> Tensor:
    """Training images."""
    return turned(batch.encoded["image"])


def generate(model: GalaxyGAN, batch: Batch, draw: str) -> Tensor:
    """Generated images at the batch's attributes."""
    attributes = batch.conditions["attributes"]
    return model.generate(attributes, torch.randn(len(attributes), LATENT, device=attributes.device))


def judge(model: GalaxyGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Scores of images at the batch's attributes, under a little noise."""
    return model.judge(batch.conditions["attributes"], samples + BLUR * torch.randn_like(samples))


def attribute_error(model: GalaxyGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Mean squared error of the predicted attributes against the asked ones, in [0, 1] units, one value a sample."""
    asked = batch.conditions["attributes"][:, :MEASURABLE]
    error = (model.predict(samples).float() - asked).square().mean(dim=1)
    batch.notes["attribute_error"] = error.detach().mean()
    return error


def pretrain(model: GalaxyGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Predictor on the reference; generator and missing flux by regression."""
    images = real(model, batch)
    yield "predictor", attribute_error(model, batch, images)
    yield "enclosed", model.missing_flux_loss(batch)
    made = generate(model, batch, "pretraining")
    yield "generator", functional.mse_loss(made, images, reduction="none").flatten(1).mean(dim=1)


play = adversarial_steps(real, generate, judge, GAME, penalties=(Penalty(LAMBDA, attribute_error),))
