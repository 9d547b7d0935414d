"""How the models of cosmic-web are trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe

if TYPE_CHECKING:
    import xarray as xr

    from .network import CosmicWeb

TRAINING_BOXES = 28


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    from .reference import TRAINING_SEED, training_boxes

    return (training_boxes(TRAINING_BOXES, TRAINING_SEED, folder),)


def _model(codec: Codec) -> CosmicWeb:
    from .network import CosmicWeb

    return CosmicWeb()


def correction(updates: int = 2_500) -> Recipe:
    """Four steps of the particle-mesh code, and a learned correction of every particle."""
    return Recipe(
        data=_data,
        model=_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.cosmic_web.network:learn"),
                updates,
                {"correction": Adam(3e-3, betas=(0.9, 0.99), warmup=100)},
                average=0.998,
            ),
        ),
        batch_size=1,
        sample_batch=1,
        description="four steps of the particle-mesh code and a learned correction of every particle",
        use="mock boxes, covariances and statistics of the matter field to k = 1 h/Mpc and of haloes of 20 "
        "particles and more, where 40 steps of the particle-mesh code would do; not for what a mesh of 1 Mpc/h loses",
        source=f"{TRAINING_BOXES} boxes of the reference, simulated by the recipe, each of its own cosmology",
    )
