"""How the generators of medical images are trained, on a folder with one sub-folder a category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe
from .library import LAYOUT, found, read
from .variables import SIZE

if TYPE_CHECKING:
    from ...models.class_adversarial import ClassGAN
    from ...models.latent_flow import LatentFlow

MATCHING = 60
"""Batches whose waves are counted beside as many drawn ones."""

SOURCE = "images of a folder, one sub-folder a category"
LIMITS = (
    "A research tool that knows one collection of images at 64 pixels: no clinical claim, no patient's image, and "
    "nothing to diagnose from. "
)


@dataclass(frozen=True)
class Options:
    """What ``train --set`` may change.

    Attributes
    ----------
    size : int
        Pixels on a side; images are resized to it.
    width : int
        Channels at the finest level; the literature's is 64 or more.
    updates : int
        Of all phases together.
    """

    size: int = SIZE
    width: int = 32
    updates: int = 4000

    def __post_init__(self) -> None:
        if self.size not in (32, 64, 128, 256):
            raise ValueError(f"size: {self.size} pixels; expected 32, 64, 128 or 256")
        if self.width % 8 or self.width < 8 or self.updates < 3:
            raise ValueError("width, updates: expected a multiple of 8, and 3 or more")


def _recipe(options: Options, **more) -> Recipe:
    return Recipe(
        data=None,
        learns=partial(read, size=options.size),
        layout=LAYOUT,
        source=SOURCE,
        schema=found,
        sample_batch=16,
        **more,
    )


def flow(options: Options) -> Recipe:
    """Flow matching of an autoencoder's codes, in three phases and one that matches the waves of what is drawn."""
    rebuild, sharpen = round(0.2 * options.updates), round(0.15 * options.updates)
    phases = (
        Phase(
            deferred("surrogates.models.latent_flow:rebuild"),
            rebuild,
            {"autoencoder": Adam(2e-3, final_fraction=0.3)},
            average=0.99,
        ),
        Phase(
            deferred("surrogates.models.latent_flow:sharpen"),
            sharpen,
            {"autoencoder": Adam(2e-4), "critic": Adam(4e-4, betas=(0.5, 0.999))},
            average=0.99,
        ),
        Phase(
            deferred("surrogates.models.latent_flow:match"),
            options.updates - rebuild - sharpen,
            {"flow": Adam(1.5e-3)},
            average=0.998,
        ),
        Phase(deferred("surrogates.models.guided_flow:match_spectrum"), MATCHING, {}),
    )
    return _recipe(
        options,
        model=partial(_flow, width=options.width),
        phases=phases,
        batch_size=48,
        description="flow matching of an autoencoder's codes, by category",
        use=LIMITS
        + "Samples keep their category but are soft, with a fine pattern of the decoder's: for testing pipelines "
        "and for teaching, not for augmentation.",
    )


def _flow(codec: Codec, width: int) -> LatentFlow:
    from ...models.latent_flow import LatentFlow

    return LatentFlow(codec, width)  # type: ignore[arg-type]


def gan(options: Options, *, auxiliary: bool = True) -> Recipe:
    """The literature's auxiliary-classifier GAN, or a conditional DCGAN."""
    adam = Adam(2e-4, betas=(0.5, 0.999), final_fraction=0.3)
    game = "play" if auxiliary else "play_plain"
    return _recipe(
        options,
        model=partial(_gan, width=options.width, auxiliary=auxiliary),
        phases=(
            Phase(
                deferred(f"surrogates.plugins.medical_images.gan:{game}"),
                options.updates,
                {"discriminator": adam, "generator": adam},
                average=0.995,
            ),
        ),
        batch_size=32,
        description="auxiliary-classifier GAN of the literature"
        if auxiliary
        else "conditional DCGAN of the literature",
        use=LIMITS + "For comparison with the default.",
        baseline=True,
    )


def _gan(codec: Codec, width: int, auxiliary: bool) -> ClassGAN:
    from ...models.class_adversarial import ClassGAN
    from .gan import EMBEDDED

    return ClassGAN(codec, width, embedded=EMBEDDED if auxiliary else 0, auxiliary=auxiliary)  # type: ignore[arg-type]
