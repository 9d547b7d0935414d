"""Networks from masks to CT slices: with maps of noise and an energy score, and the literature's pix2pix.

The default is trained by the energy score of patches at three resolutions, which two draws at each mask estimate
(Shen, Meinshausen 2023, arXiv:2307.00835), beside a critic of patches: its draws of one mask differ as much as the
simulator's. The scanner's noise is drawn apart: white noise through a learned kernel, as strong in each pixel as the
network says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.scoring import energy_score
from ...models.translation import fake_loss, paired_steps, real_loss
from ...networks.image_translation import PatchDiscriminator, UNet
from .codec import CHANNELS

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

SCALES = {1: 1.0, 4: 1.0, 16: 1.0}
"""Weight of each resolution in the score, by the pixels that are averaged."""

PATCH = 4
CRITIC = 0.01
"""Weight of the critic's verdict beside the score."""

COARSE = {4: 2, 16: 2}
"""Maps of noise by the pixels that one of their values covers."""

FINE, WHOLE, KERNEL = 2, 3, 7


class NoisyUNet(nn.Module):
    """Masks (n, 5, y, x) and noise to slices (n, 1, y, x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.unet = UNet(CHANNELS + FINE + WHOLE + sum(COARSE.values()), 2, width=width, levels=5, patch=2)
        self.kernel = nn.Parameter(torch.zeros(1, 1, KERNEL, KERNEL))
        nn.init.constant_(self.kernel[:, :, KERNEL // 2, KERNEL // 2], 1.0)

    def forward(self, masks: Tensor, draws: Tensors) -> Tensor:
        """`draws` holds ``fine`` (n, 3, y, x), ``whole`` (n, 3) and a map for each of `COARSE`."""
        size = masks.shape[-2:]
        body, lung, lesion = masks[:, :1], masks[:, 1:2], masks[:, 2:].sum(dim=1, keepdim=True)
        whole = torch.cat((body, lung, lesion), dim=1) * draws["whole"][..., None, None]
        coarse = [
            functional.interpolate(draws[f"coarse {step}"], size=size, mode="bilinear", align_corners=False)
            for step in COARSE
        ]
        seen = torch.cat((masks, draws["fine"][:, :FINE], whole, *coarse), dim=1)
        image, strength = self.unet(seen).split(1, dim=1)
        grain = functional.conv2d(draws["fine"][:, FINE:], self.kernel, padding=KERNEL // 2)
        return image + 0.1 * functional.softplus(strength) * grain


class LungGenerator(nn.Module):
    """The default model.

    Parameters
    ----------
    width : int
        Channels of the U-net at half resolution; the literature's is 64.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.generator = NoisyUNet(width)
        self.critic = PatchDiscriminator(CHANNELS + 1, width=16, strides=(2, 2))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw slices."""
        rows, columns = conditions["masks"].shape[-2:]
        draws = {
            "fine": noise.normal((FINE + 1, rows, columns), "fine").float(),
            "whole": noise.normal((WHOLE,), "whole").float(),
        }
        for step, maps in COARSE.items():
            shape = (maps, max(rows // step, 1), max(columns // step, 1))
            draws[f"coarse {step}"] = noise.normal(shape, "coarse", step).float()
        return {"image": self.generator(conditions["masks"], draws)}


def drawn(model: LungGenerator, masks: Tensor) -> Tensor:
    """Slices of masks in training; the loop seeds torch anew every step."""
    n, _, rows, columns = masks.shape
    draws = {"fine": torch.randn(n, FINE + 1, rows, columns), "whole": torch.randn(n, WHOLE)}
    draws |= {f"coarse {step}": torch.randn(n, maps, rows // step, columns // step) for step, maps in COARSE.items()}
    return model.generator(masks, {name: value.to(masks) for name, value in draws.items()})


def patches(image: Tensor, step: int) -> Tensor:
    """(n, places, 16): patches of 4 x 4 of an image (n, 1, y, x) that was averaged over `step` pixels."""
    small = functional.avg_pool2d(image, step) if step > 1 else image
    return functional.pixel_unshuffle(small, PATCH).flatten(2).transpose(1, 2)


def score(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Energy score of two draws (n, 1, y, x) at the truth, (n,), over patches at three resolutions."""
    sides = first, second, truth
    parts = [weight * energy_score(*(patches(side, step) for side in sides)) for step, weight in SCALES.items()]
    return torch.stack(parts).sum(dim=0)


def learn(model: LungGenerator, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Energy score of two draws, and the critic on the first."""
    masks, truth = batch.conditions["masks"], batch.encoded["image"]
    first, second = drawn(model, torch.cat((masks, masks))).chunk(2)
    shown = torch.cat((masks, truth), dim=1)
    verdict = 0.5 * (
        real_loss(model.critic(shown)) + fake_loss(model.critic(torch.cat((masks, first.detach()), dim=1)))
    )
    yield "critic", verdict
    fit = score(first, second, truth)
    batch.notes["energy_score"] = fit.detach().mean()
    yield "generator", fit + CRITIC * real_loss(model.critic(torch.cat((masks, first), dim=1)))


class Pix2Pix(nn.Module):
    """The literature's U-net with dropout against a critic of 70 x 70 patches (arXiv:1611.07004)."""

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.generator = UNet(CHANNELS, 1, width=width, levels=6, dropout=0.5)
        self.discriminator = PatchDiscriminator(CHANNELS + 1, width=width)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw slices; all that differs between draws is what dropout drops."""

        def draw(shape: tuple[int, ...], number: int) -> Tensor:
            return noise.uniform(shape, "dropout", number).float()

        return {"image": self.generator(conditions["masks"], draw)}


def _translated(model: Pix2Pix, batch: Batch, draw: str) -> Tensor:
    masks = batch.conditions["masks"]
    return model.generator(masks, lambda shape, number: torch.rand(len(masks), *shape, device=masks.device))


_paired = paired_steps(
    lambda model, batch: batch.encoded["image"],
    _translated,
    judge=lambda model, batch, images: model.discriminator(torch.cat((batch.conditions["masks"], images), dim=1)),
)


def translate(model: Pix2Pix, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error and the critic's verdict, 100 to 1."""
    yield from _paired(model, batch)
