"""How the default model of galaxy images is trained: the calibration of its light, by regression on the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe

if TYPE_CHECKING:
    import xarray as xr

    from .network import GalaxyDecoder

TRAINING_GALAXIES = 8_000
"""The training galaxies of which the spirals teach the calibration."""


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    from .geometry import SPIRAL
    from .reference import TRAINING_SEED, training_pool

    pool = training_pool(TRAINING_GALAXIES, TRAINING_SEED, folder)
    return (pool.isel(sample=pool["morphology"].values == SPIRAL),)


def _model(codec: Codec) -> GalaxyDecoder:
    from .network import GalaxyDecoder

    return GalaxyDecoder()


def decoder(updates: int = 3_000) -> Recipe:
    """Parts drawn in closed form at random structure, and a learned calibration."""
    return Recipe(
        data=_data,
        model=_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.galaxy_images.network:learn"),
                updates,
                {"calibration": Adam(3e-3)},
                average=0.995,
            ),
        ),
        batch_size=64,
        sample_batch=64,
        sample_part=1,
        codec=deferred("surrogates.plugins.galaxy_images.codec:GalaxyCodec"),
        description="parts drawn in closed form at random structure, with a learned calibration",
        use=(
            "Stamps for pipelines, mocks and augmentation at one pixel scale and three bands: measured sizes, fluxes, "
            "shapes and morphologies agree with GalSim's. The scatter of radius and flux of mergers and of the "
            "faintest galaxies is 1.0 to 1.3 times what was allowed, so do not calibrate shear or completeness to "
            "better than a per cent with them alone. It draws GalSim's parametric galaxies, not real ones."
        ),
    )


def _parts(folder: Path) -> tuple[xr.Dataset, ...]:
    from .parts import part_pools

    return part_pools(folder)


_LEARNED = "surrogates.plugins.galaxy_images.learned"
_SMOOTH = {
    "profile": Adam(3e-3, final_fraction=0.01),
    "edge_on": Adam(3e-2, final_fraction=0.01),
    "arms": Adam(1e-2, final_fraction=0.01),
    "knots": Adam(3e-3, final_fraction=0.01),
}
"""Optimisers of what every generator of parts learns alike."""


def learned(updates: int = 2_500) -> Recipe:
    """Parts made by networks in their own frames, put on the sky exactly."""
    slow = Adam(1e-3, final_fraction=0.01)
    return Recipe(
        data=_parts,
        model=deferred(f"{_LEARNED}:LearnedGalaxies"),
        phases=(
            Phase(
                deferred(f"{_LEARNED}_training:learn"),
                updates,
                {**_SMOOTH, "disc": slow, "merger": slow},
                average=0.995,
            ),
        ),
        batch_size=64,
        sample_batch=16,
        codec=deferred(f"{_LEARNED}:PartsCodec"),
        description="parts made by networks in their own frames and put on the sky exactly, in one pass",
        use=(
            "Stamps for pipelines, mocks and augmentation, as the decoder's; what is random in them (arms, knots, "
            "mergers) was learned from GalSim's parts drawn apart, so that a simulator without closed forms "
            "can take its place. It learns from parts whose frames are known; cutouts of the sky are learned by the "
            "recipe cutouts. Use the decoder where its closed forms are wanted."
        ),
    )


def parts_gan(updates: int = 2_500) -> Recipe:
    """The literature's first method on the frames of `learned`: an adversarial game for discs and mergers."""
    adam = Adam(5e-4, betas=(0.0, 0.99), clip=100.0, final_fraction=0.05)
    return Recipe(
        data=_parts,
        model=deferred("surrogates.plugins.galaxy_images.parts_gan:PartsGAN"),
        phases=(
            Phase(
                deferred("surrogates.plugins.galaxy_images.parts_gan:learn"),
                updates,
                _SMOOTH | dict.fromkeys(("disc", "disc_critic", "merger", "merger_critic"), adam),
                average=0.995,
            ),
        ),
        batch_size=64,
        sample_batch=16,
        codec=deferred(f"{_LEARNED}:PartsCodec"),
        description="a conditional GAN of parts in the frames of `learned`, in one pass",
        use=(
            "For comparison: the literature's method on the learned generator's codec, a conditional GAN. 142 of 142 "
            "figures are met, and by eye its spirals and mergers are like GalSim's, as the recipe learned's are, at "
            "that recipe's cost. Use learned, which needs no game, or the decoder."
        ),
        baseline=True,
    )


def parts_ddpm(updates: int = 2_500) -> Recipe:
    """The literature's second method on the frames of `learned`: denoising diffusion of discs and mergers."""
    adam = Adam(2e-3, final_fraction=0.02)
    return Recipe(
        data=_parts,
        model=deferred("surrogates.plugins.galaxy_images.parts_diffusion:PartsDiffusion"),
        phases=(
            Phase(
                deferred("surrogates.plugins.galaxy_images.parts_diffusion:learn"),
                updates,
                {**_SMOOTH, "disc": adam, "merger": adam},
                average=0.995,
            ),
        ),
        batch_size=64,
        sample_batch=16,
        codec=deferred("surrogates.plugins.galaxy_images.parts_diffusion:ScoresCodec"),
        description="denoising diffusion of parts in the frames of `learned`, DDIM sampling with chosen steps",
        use=(
            "For comparison: the literature's method on the learned generator's codec, denoising diffusion in 50 "
            "steps. 141 of 141 figures are met, and by eye its spirals and mergers are like GalSim's, at twice the "
            "cost of the recipe learned. Use learned or the decoder."
        ),
        baseline=True,
    )
