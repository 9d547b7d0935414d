"""How the generators of images are trained, on any folder with one sub-folder of images a category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe
from ...io.image_folders import read_classes
from ...training.class_images import readers
from .variables import SIZE, schemas

if TYPE_CHECKING:
    from ...models.class_adversarial import ClassGAN
    from ...models.guided_flow import PixelFlow

LAYOUT = "a folder with one sub-folder of images a category, in any format and size"
SIZES = (16, 32, 64, 128)
FEWEST = 5
"""Images that a category needs."""

GRID = 16
"""Patches on a side that the flow's network sees."""

UNLABELLED = 0.1

MATCHING = 40
"""Batches whose waves are counted beside as many drawn ones."""

read, found = readers(schemas, partial(read_classes, colour=True, least=1, fewest=FEWEST))
LIMITS = "Pictures of this size that resemble those of the folder by category; small, and often not recognisable. "


@dataclass(frozen=True)
class Options:
    """What ``train --set`` may change.

    Attributes
    ----------
    size : int
        Pixels on a side; images are cropped to their middle square and brought to it.
    width : int
        Channels at the finest level; the literature's is 64 or more.
    updates : int
        Of all phases together.
    flips : bool
        Whether images are as good mirrored left to right; writing is not.
    """

    size: int = SIZE
    width: int = 64
    updates: int = 6000
    flips: bool = True

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size: {self.size} pixels; expected {', '.join(map(str, SIZES))}")
        if self.width % 8 or self.width < 8 or self.updates < 3:
            raise ValueError("width, updates: expected a multiple of 8, and 3 or more")


def _recipe(options: Options, **more) -> Recipe:
    return Recipe(
        data=None,
        learns=partial(read, size=options.size),
        layout=LAYOUT,
        source="images of a folder, one sub-folder a category",
        schema=found,
        sample_batch=8,
        **more,
    )


def flow(options: Options) -> Recipe:
    """Flow matching of pixels, guided towards the category."""
    step = deferred("surrogates.models.guided_flow:match")
    spectrum = deferred("surrogates.models.guided_flow:match_spectrum")
    return _recipe(
        options,
        model=partial(_flow, width=options.width, flips=options.flips),
        phases=(
            Phase(step, options.updates, {"flow": Adam(1e-3, warmup=100, final_fraction=0.05)}, average=0.998),
            Phase(spectrum, MATCHING, {}),
        ),
        batch_size=64,
        description="guided flow matching of pixels, by category",
        use=LIMITS + "Good for testing pipelines, for teaching, and as a start for your own folder.",
    )


def _flow(codec: Codec, width: int, flips: bool) -> PixelFlow:
    from ...models.guided_flow import PixelFlow

    patch = codec.size // GRID  # type: ignore[attr-defined]
    return PixelFlow(codec, width, patch=patch, unlabelled=UNLABELLED, flips=flips)  # type: ignore[arg-type]


def gan(options: Options) -> Recipe:
    """The literature's conditional GAN: spectral norm, gradient penalty 5, a label embedded beside 100 normals."""
    return _adversarial(
        options,
        "play",
        Adam(1e-4, betas=(0.1, 0.9), final_fraction=1.0),
        spectral=True,
        description="conditional GAN of the literature, with spectral norm and a gradient penalty",
    )


def r3gan(options: Options) -> Recipe:
    """A modern preset on the same budget: relativistic, penalties of slopes on both sides, no norms in the critic."""
    return _adversarial(
        options,
        "play_relativistic",
        Adam(6e-4, betas=(0.0, 0.99), warmup=50, final_fraction=0.1),
        spectral=False,
        description="conditional GAN in a relativistic game with R1 and R2 penalties (R3GAN)",
    )


def _adversarial(options: Options, game: str, adam: Adam, *, spectral: bool, description: str) -> Recipe:
    return _recipe(
        options,
        model=partial(_gan, width=options.width, spectral=spectral, flips=options.flips),
        phases=(
            Phase(
                deferred(f"surrogates.plugins.image_folder.gan:{game}"),
                options.updates,
                {"discriminator": adam, "generator": adam},
                average=0.995,
            ),
        ),
        batch_size=64,
        description=description,
        use=LIMITS + "For comparison with the default.",
        baseline=True,
    )


def _gan(codec: Codec, width: int, spectral: bool, flips: bool) -> ClassGAN:
    from ...models.class_adversarial import ClassGAN
    from .gan import EMBEDDED

    patch = 1 if spectral else 2
    options = {"patch": patch, "spectral": spectral, "normalised": False, "flips": flips}
    return ClassGAN(codec, width, embedded=EMBEDDED, **options)  # type: ignore[arg-type]
