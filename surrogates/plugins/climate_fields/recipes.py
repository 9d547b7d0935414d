"""How the models of climate fields are trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Phase, Recipe

if TYPE_CHECKING:
    import xarray as xr

TRAINING_PARTS = 3
"""Runs of two years each."""

_MODULE = "surrogates.plugins.climate_fields"


def data(folder: Path) -> tuple[xr.Dataset, ...]:
    """Pairs of consecutive days of the reference under observed oceans."""
    from .training_data import training_pool

    return (training_pool(folder, TRAINING_PARTS),)


def two_years(folder: Path) -> tuple[xr.Dataset, ...]:
    """Pairs of consecutive days of the first run alone, more than the short training of a baseline draws."""
    from .training_data import training_pool

    return (training_pool(folder, 1),)


MATCHED_EVERY = 100
"""Updates of the calibrating phase between two matches, of bands first; the last update must be one."""


def weather(updates: int = 1500, refining: int = 480, calibrating: int = 4 * MATCHED_EVERY) -> Recipe:
    """The default: one network on the sphere over a linear model of the weather, by scores and a critic, calibrated."""
    learn, refine, calibrate = (deferred(f"{_MODULE}.learning:{name}") for name in ("score", "refine", "calibrate"))
    return Recipe(
        data=data,
        model=deferred(f"{_MODULE}.network:WeatherModel"),
        phases=(
            Phase(learn, updates, {"generator": Adam(1.5e-3, warmup=30)}, average=0.99),
            Phase(
                refine,
                refining,
                {"discriminator": Adam(1e-3, betas=(0.0, 0.99)), "generator": Adam(4e-4, betas=(0.0, 0.99), warmup=30)},
                average=0.99,
            ),
            Phase(calibrate, calibrating, {}),
        ),
        batch_size=8,
        sample_batch=4,
        use="Maps of single days and of days in turn, their rain's distribution and their correlation from one day to "
        "the next, of SPEEDY's climate as six simulated years show it. Not yet for El Nino's response (its pattern "
        "correlates .83 in rain and .76 in pressure, at two thirds and three quarters of the amplitude), nor for the "
        "shapes of storms outside the tropics, which are patches where the reference has arcs; not the Earth's own "
        "climate.",
        description="linear model of the weather and a network on the sphere, by scores of pairs of days and a critic",
    )


def gan(updates: int = 1000, smooth: bool = False) -> Recipe:
    """The literature's convolutional GAN; `smooth` adds its consistency loss."""
    adam = Adam(5e-4, betas=(0.5, 0.9), clip=10.0, warmup=20, final_fraction=0.2)
    return Recipe(
        data=two_years,
        model=deferred(f"{_MODULE}.gan:GanModel"),
        phases=(
            Phase(
                deferred(f"{_MODULE}.gan:{'play_smooth' if smooth else 'play'}"),
                updates,
                {"discriminator": adam, "generator": adam},
                average=0.98,
            ),
        ),
        batch_size=16,
        sample_batch=4,
        use="A baseline of the literature, to compare with; days follow one another only through the latent vector.",
        baseline=True,
        description="convolutional GAN of the literature, ten numbers of condition, Wasserstein with gradient penalty",
    )
