"""How the model of fine boxes is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....contract.deferred import deferred
from ....contract.recipe import Adam, Phase, Recipe
from ....contract.schema import Schema
from ..variables import FINE_SPACING, conditions, outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from .network import FineWeb

TRAINING_BOXES = 12


def superresolved(updates: int = 1_500) -> Recipe:
    """A cheap run of every eighth particle and the initial field's small scales, refined by a network."""
    return Recipe(
        data=_data,
        model=_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.cosmic_web.fine.network:learn"),
                updates,
                {"correction": Adam(3e-3, betas=(0.9, 0.99), warmup=100)},
                average=0.998,
            ),
        ),
        batch_size=1,
        sample_batch=1,
        codec=deferred("surrogates.plugins.cosmic_web.fine.codec:FineCodec"),
        schema=_schemas,
        description="particles 1 Mpc/h apart: five steps of every eighth, the small scales of the initial field, and "
        "a network",
        use="Density fields of particles 1 Mpc/h apart from an initial field of that spacing, where phases to 2 h/Mpc "
        "matter and power may be 15 % off at the smallest scales. Not for counts of haloes, which miss the reference's "
        "by six tenths, nor for pairwise velocities and momenta.",
        source=f"{TRAINING_BOXES} boxes of 128^3 particles of the reference in 20 steps, simulated by the recipe, each "
        "of its own cosmology",
    )


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    from ..reference import TRAINING_SEED, training_boxes
    from .serving import fine_reference

    return (training_boxes(TRAINING_BOXES, TRAINING_SEED, folder, fine_reference()),)


def _model(codec: Any) -> FineWeb:
    from .network import FineWeb

    return FineWeb()


def _schemas(pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    return conditions(FINE_SPACING), outputs(FINE_SPACING)
