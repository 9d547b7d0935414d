"""How the models of tau-pair events are trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from surrogates.recipe import Adam, Batch, Codec, Phase, Recipe

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from surrogates.plugin import Plugin

    from .gan import EventGAN
    from .gan_codec import EventGANCodec
    from .network import EventModel

RADIATION = ("mass", "initial_count", "core", "soft", "final_count", "final")
DECAYS = ("decay", "polarimeter")


def _pools(folder: Path) -> tuple[xr.Dataset, ...]:
    from .training_data import pools

    return pools(folder)


def _model(plugin: Plugin, codec: Codec) -> EventModel:
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
        data=_pools,
        model=_model,
        phases=(
            Phase(_radiation, radiation_updates, {part: Adam(2e-3, clip=5.0) for part in RADIATION}),
            Phase(_decays, decay_updates, {part: Adam(2e-3, clip=5.0) for part in DECAYS}),
        ),
        batch_size=1024,
        sample_batch=4096,
        description="factorised spline flows, spin correlations exact",
    )


def _events(folder: Path) -> tuple[xr.Dataset, ...]:
    from .training_data import events

    return events(folder)


def _gan_codec(plugin: Plugin) -> Codec:
    from .gan_codec import EventGANCodec

    return EventGANCodec(plugin)


def _gan_model(plugin: Plugin, codec: EventGANCodec) -> EventGAN:
    from .gan import EventGAN

    return EventGAN(codec)


def _play(model: EventGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from surrogates.models.adversarial import Game, Penalty, adversarial_steps

    from . import gan

    game = Game("relativistic", r1=0.5, r2=0.5, penalty_every=6)
    penalties = (Penalty(5.0, gan.conservation), Penalty(0.3, gan.mass_shell))
    yield from adversarial_steps(gan.real, gan.generate, gan.judge, game, penalties=penalties)(model, batch)


def gan(updates: int = 8_000) -> Recipe:
    """The literature's conditional perceptron GAN, a baseline beside the default."""
    adam = Adam(8e-4, betas=(0.0, 0.99), clip=5.0)
    return Recipe(
        data=_events,
        model=_gan_model,
        phases=(Phase(_play, updates, {"discriminator": adam, "generator": adam}, average=0.997),),
        batch_size=128,
        sample_batch=4096,
        codec=_gan_codec,
        description="conditional perceptron GAN of the literature, momenta projected onto the conservation laws",
    )
