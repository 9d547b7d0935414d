"""The literature's 3-D convolutional GAN of density fields: normal numbers and a cosmology to a periodic box.

Rodriguez et al. 2018 (arXiv:1801.09070) draw slices so, Perraudin et al. 2019 (arXiv:1908.05519) cubes. Here every
convolution wraps round, for the boxes do, and the latent numbers are a field. The game is the hinge's with spectral
norm; the generator also minimises differences of mean power and of the distribution of densities, and of their slopes
with the condition, from what the training boxes show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ....models.adversarial import Game, Penalty, adversarial_steps, spectrally_normalised
from ....networks.volumes import VolumeDiscriminator, VolumeGenerator
from .statistics import basis, statistics

if TYPE_CHECKING:
    from ....contract.recipe import Batch
    from ....noise import Noise
    from .codec import DensityCodec

Tensors = dict[str, Tensor]

LATENT = 16
CONTEXT = 3
LARGEST = 7.0
"""Largest logarithm of a density in units of the mean, before the mean is set."""

GAME = Game("hinge")
STATISTICS = 0.1
"""Weight of the differences of mean statistics."""


class DensityGAN(nn.Module):
    """Generator and discriminator of boxes.

    Parameters
    ----------
    side : int
        Mesh points of a box, a multiple of 8.
    width : int
        See `VolumeGenerator`.
    codec : DensityCodec, optional
        What training compares statistics with.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, side: int = 32, width: int = 16, codec: DensityCodec | None = None) -> None:
        super().__init__()
        self.fitted = (codec,)  # a tuple, so that its numbers are no part of the model
        self.side = side
        self.generator = VolumeGenerator(LATENT, CONTEXT, width=width)
        self.discriminator = spectrally_normalised(VolumeDiscriminator(1, CONTEXT, width=3 * width // 2))

    def apart(self, samples: Tensor, context: Tensor) -> Tensor:
        """Statistics less those expected of the reference at conditions (n, 3), in units of its deviation there."""
        (codec,) = self.fitted
        assert codec is not None
        return (statistics(samples) - basis(context) @ codec.slopes.to(context)) / codec.scatter.to(context)

    def draw(self, normals: list[Tensor], context: Tensor) -> Tensor:
        """Logarithms (n, x, y, z) of one and the density: softplus of the network, whose mean density is then 1."""
        logarithm = functional.softplus(self.generator(normals, context)[:, 0].float().clamp(max=LARGEST))
        density = torch.expm1(logarithm)
        return torch.log1p(density / density.mean(dim=(1, 2, 3), keepdim=True))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """One box for each row."""
        shapes = self.generator.shapes(self.side)
        normals = [noise.normal(shape, "latent", number).float() for number, shape in enumerate(shapes)]
        return {"logarithm": self.draw(normals, conditions["context"].float())}


def real(model: DensityGAN, batch: Batch) -> Tensor:
    """Training boxes in one of their 48 orientations, from a point of their own on."""
    boxes = batch.encoded["logarithm"]
    order = [1 + int(axis) for axis in torch.randperm(3)]  # the loop seeds torch anew every step
    boxes = boxes.permute(0, *order)
    boxes = boxes.flip([axis for axis in (1, 2, 3) if torch.rand(()) < 0.5])
    shifts = torch.randint(boxes.shape[1], (3,)).tolist()
    return boxes.roll(shifts, (1, 2, 3))


def generate(model: DensityGAN, batch: Batch, draw: str) -> Tensor:
    """Generated boxes at the batch's conditions."""
    context = batch.conditions["context"]
    shapes = model.generator.shapes(batch.encoded["logarithm"].shape[1])
    return model.draw([torch.randn(len(context), *shape, device=context.device) for shape in shapes], context)


def judge(model: DensityGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Scores of boxes at the batch's conditions."""
    return model.discriminator(samples[:, None] - 0.6, batch.conditions["context"])


def unlike(model: DensityGAN, batch: Batch, samples: Tensor) -> Tensor:
    """How far mean statistics, and their slopes with the condition, lie from those expected of the reference, (n,).

    Products of what the two halves of the batch show: squares without what chance adds to them.
    """
    context = batch.conditions["context"]
    apart = model.apart(samples, context)
    known = torch.cat((torch.ones_like(context[:, :1]), context), dim=1)
    shown = (apart[:, :, None] * known[:, None, :]).unflatten(0, (2, -1)).mean(dim=1)
    found = (shown[0] * shown[1]).sum(dim=1).mean()
    batch.notes["statistics"] = found.detach()
    return found.expand(len(samples))


play = adversarial_steps(real, generate, judge, GAME, penalties=(Penalty(STATISTICS, unlike),))
