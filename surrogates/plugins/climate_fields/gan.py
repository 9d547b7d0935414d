"""The literature's convolutional GAN of daily fields: a latent vector and ten numbers in, three maps out.

Each channel has its own activation: none for temperature, a bound for pressure, softplus for the root of rain. The game
is Wasserstein's with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028). The literature's consistency loss,
which asks for smooth fields, is an option: it blurs rain, and the spectrum shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.adversarial import Game, Penalty, adversarial_steps
from ...models.linear_inverse import correlated
from ...networks.sphere import Residual, SphereCritic, SphericalConvolution
from ...physics.climate.enso import nino34_weights
from .codec import ClimateCodec, season
from .ocean import ocean

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

LATENT = 96
CONDITION = 10
"""Numbers of the condition vector: cosine and sine of the year, of half the year, the Nino3.4 index in units of 2 K,
and the amplitudes of the ocean's five leading patterns."""

LARGEST_PRESSURE = 6.0
"""Standard deviations that pressure stays within."""

KEPT = 0.8
"""Correlation of the latent vector from one day to the next."""

GAME = Game("wasserstein", gradient_penalty=10.0, discriminator_updates=2, penalty_every=2)


class GanGenerator(nn.Module):
    """Latent and condition vectors to encoded fields of one day.

    Parameters
    ----------
    width : int
        Channels at the finest stage.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = (4 * width, 3 * width, 2 * width)
        self.entry = nn.Linear(LATENT + CONDITION, widths[0] * 6 * 12)
        self.stages = nn.ModuleList(
            nn.Sequential(Residual(before), SphericalConvolution(before, after))
            for before, after in zip(widths, (*widths[1:], width), strict=True)
        )
        self.land = SphericalConvolution(2, width)
        self.exit = nn.Sequential(Residual(width), nn.SiLU(), SphericalConvolution(width, 3))
        known = ocean()
        land = torch.stack((torch.as_tensor(known.land).float(), torch.as_tensor(known.height).float() / 2000.0))
        self.register_buffer("surface", land, persistent=False)

    def forward(self, vector: Tensor) -> Tensor:
        """(n, 3, 48, 96) of (n, LATENT + CONDITION)."""
        hidden = self.entry(vector).unflatten(1, (-1, 6, 12))
        for stage in self.stages:
            hidden = functional.interpolate(stage(hidden), scale_factor=2, mode="nearest")
        maps = self.exit(hidden + self.land(self.surface[None]))  # type: ignore[index]
        bounded = LARGEST_PRESSURE * torch.tanh(maps[:, 1:2] / LARGEST_PRESSURE)
        return torch.cat((maps[:, :1], bounded, functional.softplus(maps[:, 2:]) - _DRY), dim=1)


_DRY = 0.05
"""A root of rain below this is dry: softplus alone never rains nothing."""


class GanModel(nn.Module):
    """Generator and critic of single days.

    Parameters
    ----------
    codec : ClimateCodec
    width : int
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, codec: ClimateCodec, width: int = 32) -> None:
        super().__init__()
        self.linear = (codec,)
        self.generator = GanGenerator(width)
        self.discriminator = SphereCritic(3 + CONDITION)
        self.register_buffer("index", torch.as_tensor(nino34_weights()).float(), persistent=False)

    def asked(self, conditions: Tensors, day: int) -> Tensor:
        """The condition vector (n, 10) of day number `day` of each sample."""
        ocean_map = conditions["ocean"].float()
        patterns = self.linear[0].ocean_patterns.to(ocean_map)[: CONDITION - 5]
        amplitudes = torch.einsum("kij,nij->nk", patterns, ocean_map)
        index = (ocean_map * self.index).sum((-2, -1))[:, None]  # type: ignore[operator]
        return torch.cat((season(conditions["day"] + day).float()[:, 1:], index, amplitudes), dim=1)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """As many days in turn as the rows ask for."""
        length = int(conditions["days"].max()) if "days" in conditions else 1
        made, latent = [], None
        for day in range(length):
            fresh = noise.normal((LATENT,), "latent", day).float()
            latent = fresh if latent is None else correlated(latent, fresh, torch.tensor(KEPT))
            made.append(self.generator(torch.cat((latent, self.asked(conditions, day)), dim=1)))
        return {"fields": torch.stack(made, dim=1)}


def real(model: GanModel, batch: Batch) -> Tensor:
    """Training days."""
    return batch.encoded["fields"][:, 0]


def generate(model: GanModel, batch: Batch, draw: str) -> Tensor:
    """Generated days at the batch's conditions, dry where they are dry."""
    asked = model.asked(batch.conditions, 0)
    made = model.generator(torch.cat((torch.randn(len(asked), LATENT, device=asked.device), asked), dim=1))
    return torch.cat((made[:, :2], made[:, 2:].clamp(min=0.0)), dim=1).float()


def judge(model: GanModel, batch: Batch, samples: Tensor) -> Tensor:
    """Scores of days at the batch's conditions."""
    asked = model.asked(batch.conditions, 0)[:, :, None, None].expand(-1, -1, *samples.shape[-2:])
    return model.discriminator(torch.cat((samples, asked), dim=1))


def roughness(model: GanModel, batch: Batch, samples: Tensor) -> Tensor:
    """Mean squared step between neighbours of all fields, (n,): the literature's smoothness."""
    along = (samples - samples.roll(1, -1)).square().mean((1, 2, 3))
    return along + samples.diff(dim=-2).square().mean((1, 2, 3))


play = adversarial_steps(real, generate, judge, GAME)
play_smooth = adversarial_steps(real, generate, judge, GAME, penalties=(Penalty(1.0, roughness),))
