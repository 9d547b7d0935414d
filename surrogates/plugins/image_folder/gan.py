"""The games of the conditional GANs, the literature's and a modern one; see `surrogates.models.class_adversarial`."""

from __future__ import annotations

from ...models.adversarial import Game
from ...models.class_adversarial import class_game

EMBEDDED = 50
"""Length of the generator's embedding of a label."""

PENALISED = Game("wasserstein", gradient_penalty=5.0)

play = class_game(PENALISED)

RELATIVISTIC = Game("relativistic", r1=2.0, r2=2.0, penalty_every=4)
"""R3GAN's game (Huang et al. 2024, arXiv:2501.05441), its penalties at every fourth update."""

play_relativistic = class_game(RELATIVISTIC)
