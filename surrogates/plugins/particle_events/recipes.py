"""How the models of tau-pair events are trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Batch, Codec, Phase, Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from .gan import EventGAN
    from .network import EventModel

RADIATION = ("mass", "initial_count", "core", "soft", "final_count", "final")
DECAYS = ("decay", "polarimeter")


def _model(codec: Codec) -> EventModel:
    from .network import EventModel

    return EventModel()


def _radiation(model: EventModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import pool_of, radiation_losses

    yield from radiation_losses(model, pool_of(batch, 0))


def _decays(model: EventModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import decay_losses, pool_of

    yield from decay_losses(model, pool_of(batch, 1))


def spline_flow(radiation_updates: int = 4_000, decay_updates: int = 10_000) -> Recipe:
    """Spline coupling flows for radiation (pool 0) and decays (pool 1), maximum likelihood."""
    return Recipe(
        data=deferred("surrogates.plugins.particle_events.training_data:pools"),
        model=_model,
        phases=(
            Phase(_radiation, radiation_updates, {part: Adam(2e-3, clip=5.0) for part in RADIATION}),
            Phase(_decays, decay_updates, {part: Adam(2e-3, clip=5.0) for part in DECAYS}),
        ),
        batch_size=1024,
        sample_batch=4096,
        sample_part=64,
        description="factorised spline flows, spin correlations exact",
        use=(
            "Generator-level studies of tau pairs from 10.6 to 250 GeV, spin correlations and radiation included; no "
            "classifier that was tried tells it from Pythia. Six tails and asymmetries lie up to 1.3 times above "
            "their limit, forced decays to pi rho most."
        ),
    )


def _play(model: EventGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from ...models.adversarial import Game, Penalty, adversarial_steps
    from . import gan

    game = Game("relativistic", r1=0.5, r2=0.5, penalty_every=6)
    penalties = (Penalty(5.0, gan.conservation), Penalty(0.3, gan.mass_shell))
    yield from adversarial_steps(gan.real, gan.generate, gan.judge, game, penalties=penalties)(model, batch)


def gan(updates: int = 8_000) -> Recipe:
    """The literature's conditional perceptron GAN, a baseline beside the default."""
    adam = Adam(8e-4, betas=(0.0, 0.99), clip=5.0)
    return Recipe(
        data=deferred("surrogates.plugins.particle_events.training_data:events"),
        model=deferred("surrogates.plugins.particle_events.gan:EventGAN"),
        phases=(Phase(_play, updates, {"discriminator": adam, "generator": adam}, average=0.997),),
        batch_size=128,
        sample_batch=4096,
        sample_part=64,
        codec=deferred("surrogates.plugins.particle_events.gan_codec:EventGANCodec"),
        description="conditional perceptron GAN of the literature, momenta projected onto the conservation laws",
        use=(
            "For comparison: it keeps energy and momentum by projection, and misses nearly every spectrum. Use the "
            "flow for physics."
        ),
        baseline=True,
    )
