"""Denoising diffusion of normalised galaxy images by a context U-net, with the flux as a law on what it implies.

Linear schedule 1e-4 … 0.02 of 1000 steps (Ho et al. 2020, arXiv:2006.11239); the class weights and the attributes are
embedded apart; `surrogate.using(steps=…, method=…)` chooses the sampler.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.diffusion import Penalty, Sampler, Schedule, diffuse, diffusion_steps
from ...networks.unet import ContextUNet
from .gan import PixelModel, turned
from .pixels import ATTRIBUTES, PixelCodec, enclosed_fraction, observed_area, shape_map
from .variables import BANDS, MORPHOLOGIES, STAMP

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

FLUX_WEIGHT = 0.05
FILTERS = 4
_CLASSES = len(MORPHOLOGIES) - 1


class GalaxyDiffusion(PixelModel):
    """Noise predictor of normalised galaxy images.

    Parameters
    ----------
    codec : PixelCodec
        Fitted; gives the brightness of a normalised pixel.
    width, multipliers, patch
        Of the `ContextUNet`.
    """

    ships: tuple[str, ...] = ("network", "enclosed")

    def __init__(
        self, codec: PixelCodec, width: int = 32, multipliers: tuple[int, ...] = (1, 2), patch: int = 4
    ) -> None:
        super().__init__()
        self.network = ContextUNet(
            len(BANDS),
            classes=len(MORPHOLOGIES),
            attributes=len(ATTRIBUTES) - _CLASSES,
            maps=1,
            width=width,
            multipliers=multipliers,
            patch=patch,
            filters=FILTERS,
        )
        self.schedule = Schedule()
        self.light = codec.light
        self.options = Sampler()

    def denoise(self, x: Tensor, time: Tensor, attributes: Tensor) -> Tensor:
        """Noise in images x (n, band, 64, 64) at times (n,) in [0, 1] and attributes (n, 8).

        The network adds to what x itself says of its noise, sqrt(1 - kept) x + sqrt(kept) network(x): all of it where
        x is nearly noise alone (Salimans, Ho 2022, arXiv:2202.00512, appendix D).
        """
        signal, spread = self.schedule.shares((time * (len(self.schedule) - 1)).round().long(), x)
        classes = attributes[:, :_CLASSES]
        classes = torch.cat((classes, 1.0 - classes.sum(dim=1, keepdim=True)), dim=1)
        found = self.network(x, time, classes, 2.0 * attributes[:, _CLASSES:] - 1.0, shape_map(attributes))
        return spread * x + signal * found.to(x.dtype)

    def draw(self, attributes: Tensor, noise: Noise, name: str) -> Tensor:
        return diffuse(
            lambda x, time: self.denoise(x, time, attributes),
            self.schedule,
            (len(BANDS), STAMP, STAMP),
            noise,
            self.options,
            bounds=(-1.0, 1.0),
            draw=name,
        )


def clean(model: GalaxyDiffusion, batch: Batch) -> Tensor:
    """Training images."""
    return turned(batch.encoded["image"])


def denoise(model: GalaxyDiffusion, batch: Batch, x: Tensor, time: Tensor) -> Tensor:
    """The network's noise at the batch's attributes."""
    return model.denoise(x, time, batch.conditions["attributes"])


def flux_error(model: GalaxyDiffusion, batch: Batch, images: Tensor) -> Tensor:
    """Squared relative error of the flux inside the stamp, bounded by 1, one value a sample."""
    area = observed_area(batch.conditions["attributes"])
    found = model.light(images).sum(dim=(-1, -2)) / area[:, None]
    error = found / enclosed_fraction(batch.encoded["missing_flux"]) - 1.0
    return torch.tanh(error.square()).mean(dim=1)


_steps = diffusion_steps(clean, denoise, laws=(Penalty(FLUX_WEIGHT, flux_error),))


def learn(model: GalaxyDiffusion, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Noise prediction with the flux law, and the missing flux by regression."""
    yield from _steps(model, batch)
    yield "enclosed", model.missing_flux_loss(batch)
