"""How the literature's two generators of galaxy images are trained: the conditional DCGAN and the diffusion model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe
from .galaxy_zoo import LAYOUT
from .variables import STAMP

if TYPE_CHECKING:
    import xarray as xr

    from .gan import GalaxyGAN


TRAINING_GALAXIES = 24_000

_ONE_SIZE = {"size": (float(STAMP), float(STAMP))}


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    """Simulated galaxies, kept as shards in the folder."""
    from .reference import TRAINING_SEED, training_pool

    return (training_pool(TRAINING_GALAXIES, TRAINING_SEED, folder),)


def _cutouts(folder: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """A folder of cutouts with a catalogue; their stamps are kept."""
    from .galaxy_zoo import read_folder
    from .reference import DEFAULTS

    cutouts, report = read_folder(folder, kept=kept)
    print(*report.lines(), sep="\n", file=sys.stderr, flush=True)
    return (cutouts.drop_vars([name for name in DEFAULTS if name in cutouts]),)


_codec = deferred("surrogates.plugins.galaxy_images.pixels:PixelCodec")


def _gan(codec: Codec) -> GalaxyGAN:
    from .gan import GalaxyGAN

    return GalaxyGAN()


def gan(pretraining: int = 500, updates: int = 4_000) -> Recipe:
    """The literature's conditional DCGAN with a physics predictor, in two phases."""
    adam = Adam(1.5e-4, betas=(0.5, 0.999), clip=1.0, final_fraction=0.2)
    return Recipe(
        data=_data,
        learns=_cutouts,
        layout=LAYOUT,
        model=_gan,
        phases=(
            Phase(
                deferred("surrogates.plugins.galaxy_images.gan:pretrain"),
                pretraining,
                {name: Adam(1e-3) for name in ("predictor", "enclosed", "generator")},
            ),
            Phase(
                deferred("surrogates.plugins.galaxy_images.gan:play"),
                updates,
                {"discriminator": adam, "generator": adam},
                average=0.995,
            ),
        ),
        batch_size=32,
        sample_batch=16,
        codec=_codec,
        limited=_ONE_SIZE,
        description="conditional DCGAN of the literature with a physics predictor",
        use=(
            "For comparison: spirals and mergers are coloured speckle beside GalSim's, and any classifier tells them "
            "apart. Use the decoder for science."
        ),
        baseline=True,
    )


def ddpm(updates: int = 1_800, refinement: int = 11_000) -> Recipe:
    """Denoising diffusion by a context U-net; DDIM sampling with chosen steps."""
    return Recipe(
        data=_data,
        learns=_cutouts,
        layout=LAYOUT,
        model=deferred("surrogates.plugins.galaxy_images.ddpm:GalaxyDiffusion"),
        phases=tuple(
            Phase(
                deferred("surrogates.plugins.galaxy_images.ddpm:learn"),
                number,
                {"network": Adam(2e-3), "enclosed": Adam(1e-3)},
                average=0.995,
            )
            for number in (updates, refinement)
        ),
        batch_size=16,
        sample_batch=16,
        codec=_codec,
        limited=_ONE_SIZE,
        description="denoising diffusion of the literature, DDIM sampling with chosen steps",
        use=(
            "For comparison: sizes and fluxes are near, spiral arms are blurred, and it is slower than GalSim. Use "
            "the decoder for science."
        ),
        baseline=True,
    )
