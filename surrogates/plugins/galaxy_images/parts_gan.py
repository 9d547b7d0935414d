"""The learned generator with discs and mergers that an adversarial game trained, the literature's first method.

Networks, noise and canonical frames are those of `learned`; smooth parts, the number of arms and knots are learned as
there. In the place of the energy score stand two critics, which see what the scores compare; the disc's is told the
number of arms. Relativistic game with R1 and R2 (R3GAN): Huang et al. 2024, arXiv:2501.05441.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from ...models.adversarial import Game, adversarial_steps
from ...networks.mlp import MLP
from .learned import NOISE, LearnedGalaxies, PartsCodec
from .learned_training import disc_views, learning, merger_views
from .parts import HIGHEST, MERGER_NUMBERS, RINGS

if TYPE_CHECKING:
    from ...contract.recipe import Batch

GAME = Game("relativistic", r1=1.0, r2=1.0)
_DISC_SEEN = 4 * HIGHEST * len(RINGS) + 2 * HIGHEST  # by light, as waves, means over rings
_MERGER_SEEN = MERGER_NUMBERS + 2 * (MERGER_NUMBERS - 6) // 3 + 5  # numbers, places, moments


class PartsGAN(LearnedGalaxies):
    """`LearnedGalaxies` and the critics of its discs and mergers, which are not released.

    Parameters
    ----------
    codec : PartsCodec
        Fitted.
    width : int
        Of the networks that draw discs and mergers, and of their critics.
    """

    def __init__(self, codec: PartsCodec, width: int = 192) -> None:
        super().__init__(codec, width)
        self.disc_critic = MLP(_DISC_SEEN, 1, width, 3, context=HIGHEST)
        self.merger_critic = MLP(_MERGER_SEEN, 1, width, 3)


def seen_disc(model: LearnedGalaxies, numbers: Tensor) -> Tensor:
    """What the critic sees of encoded discs: the distinct views of the energy score, in units of order 1."""
    weighted, _, waves, means = disc_views(model, numbers)
    seen = torch.cat((weighted, waves, means.flatten(1)), dim=1)
    return seen / model.disc_spread.square().mean().sqrt().to(seen)


def seen_merger(model: LearnedGalaxies, numbers: Tensor) -> Tensor:
    """What the critic sees of encoded mergers: the distinct views of the energy score, in units of order 1."""
    _, apart, _, places, moments = merger_views(model, numbers)
    return torch.cat((apart[..., 0], places, moments), dim=1)


def _made_disc(model: LearnedGalaxies, batch: Batch, draw: str) -> Tensor:
    latent = batch.noise.normal((NOISE,), "disc", draw).float()
    return seen_disc(model, model.disc_numbers(latent, batch.encoded["arms"]))


def _judged_disc(model: PartsGAN, batch: Batch, seen: Tensor) -> Tensor:
    return model.disc_critic(seen, functional.one_hot(batch.encoded["arms"], HIGHEST).to(seen))


def _made_merger(model: LearnedGalaxies, batch: Batch, draw: str) -> Tensor:
    return seen_merger(model, model.merger(batch.noise.normal((NOISE,), "merger", draw).float()))


play_disc = adversarial_steps(
    lambda model, batch: seen_disc(model, batch.encoded["disc"].float()),
    _made_disc,
    _judged_disc,
    GAME,
    generator="disc",
    discriminator="disc_critic",
)
play_merger = adversarial_steps(
    lambda model, batch: seen_merger(model, batch.encoded["merger"].float()),
    _made_merger,
    lambda model, batch, seen: model.merger_critic(seen),
    GAME,
    generator="merger",
    discriminator="merger_critic",
)
learn = learning(play_disc, play_merger)
