"""The literature's 3-D convolutional GAN of density fields: normal numbers and a cosmology to a periodic box.

Rodriguez et al. 2018 (arXiv:1801.09070) draw slices so, Perraudin et al. 2019 (arXiv:1908.05519) cubes. Here every
convolution wraps round, for the boxes do, and the latent numbers are a field. The game is the hinge's with spectral
norm; the generator also minimises differences of mean power and of the distribution of densities from those of the
batch's true boxes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....models.adversarial import Game, Penalty, adversarial_steps, spectrally_normalised
from ....networks.volumes import VolumeDiscriminator, VolumeGenerator

if TYPE_CHECKING:
    from ....contract.recipe import Batch
    from ....noise import Noise

Tensors = dict[str, Tensor]

LATENT = 16
CONTEXT = 3
LARGEST = 7.0
"""Largest logarithm of a density in units of the mean, before the mean is set."""

GAME = Game("hinge")
STATISTICS = 1.0
"""Weight of the differences of mean statistics."""


class DensityGAN(nn.Module):
    """Generator and discriminator of boxes.

    Parameters
    ----------
    side : int
        Mesh points of a box, a multiple of 8.
    width : int
        See `VolumeGenerator`.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, side: int = 32, width: int = 16) -> None:
        super().__init__()
        self.side = side
        self.generator = VolumeGenerator(LATENT, CONTEXT, width=width)
        self.discriminator = spectrally_normalised(VolumeDiscriminator(1, CONTEXT, width=3 * width // 2))

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


@lru_cache(maxsize=4)
def _shells(side: int) -> Tensor:
    """(shell, mode) shares of the modes of a real transform, up to the mesh's Nyquist mode."""
    full = np.fft.fftfreq(side, 1 / side)
    k = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + np.arange(side // 2 + 1) ** 2).ravel()
    stands_for = np.full(side // 2 + 1, 2.0)  # a mode of the half spectrum stands for itself and its conjugate
    stands_for[[0, -1]] = 1.0
    weight = np.broadcast_to(stands_for, (side, side, side // 2 + 1)).ravel()
    edges = np.unique(np.round(np.geomspace(0.5, side // 2, 10) - 0.5) + 0.5)
    shell = np.digitize(k, edges) - 1
    shares = np.stack([weight * (shell == s) for s in range(len(edges) - 1)])
    return torch.from_numpy((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32))


LEVELS = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.3, 1.8, 2.5, 3.3])
"""Of ln(1 + density), at which its distribution is compared."""


def statistics(logarithm: Tensor) -> Tensor:
    """Logarithms of power in shells, of the density and of its logarithm, and of shares of points beyond `LEVELS`."""
    shares = _shells(logarithm.shape[1])
    found = []
    for field in (torch.expm1(logarithm), logarithm):
        modes = torch.fft.rfftn(field, dim=(1, 2, 3))
        power = (modes.real.square() + modes.imag.square()).flatten(1) @ shares.T
        found.append(torch.log(power + 1e-6))
    soft = torch.stack([torch.sigmoid((logarithm - level) / (0.05 + 0.1 * level)).mean((1, 2, 3)) for level in LEVELS])
    found.append(torch.log(soft.T + 1e-4) + torch.log1p(1e-4 - soft.T))
    return torch.cat(found, dim=1)


def unlike(model: DensityGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Products of the two halves' mean differences of `statistics`, (n,): squares without what chance adds to them."""
    with torch.no_grad():
        true = statistics(batch.encoded["logarithm"])
    apart = (statistics(samples) - true).unflatten(0, (2, -1)).mean(dim=1)
    found = (apart[0] * apart[1]).mean() / 0.1
    batch.notes["statistics"] = found.detach()
    return found.expand(len(samples))


play = adversarial_steps(real, generate, judge, GAME, penalties=(Penalty(STATISTICS, unlike),))
