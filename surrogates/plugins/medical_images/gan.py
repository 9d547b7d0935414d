"""The games of the literature's generators of medical images by category; see `surrogates.models.class_adversarial`."""

from __future__ import annotations

from ...models.adversarial import Game
from ...models.class_adversarial import class_game

EMBEDDED = 32
"""Length of the auxiliary-classifier GAN's embedding of a label."""

AUXILIARY = Game("logistic", smoothing=0.1, auxiliary=1.0, r1=0.5, penalty_every=8)
PLAIN = Game("logistic", smoothing=0.1)

play, play_plain = class_game(AUXILIARY), class_game(PLAIN)
