"""The game of the literature's conditional GAN; see `surrogates.models.class_adversarial`."""

from __future__ import annotations

from ...models.adversarial import Game
from ...models.class_adversarial import class_game

EMBEDDED = 50
"""Length of the generator's embedding of a label."""

PENALISED = Game("wasserstein", gradient_penalty=5.0)

play = class_game(PENALISED)
