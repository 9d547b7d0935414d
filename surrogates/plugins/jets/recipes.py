"""How the jet generator is trained: likelihood and flow matching, then distillation to one step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from surrogates.recipe import Adam, Batch, Codec, Phase, Recipe

from .reference import TRAINING_SEED, truth

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from surrogates.plugin import Plugin

    from .network import JetModel

TRAINING_JETS = 57_000


def _data(folder: Path | None) -> tuple[xr.Dataset, ...]:
    return (truth(TRAINING_JETS, TRAINING_SEED, folder),)


def _model(plugin: Plugin, codec: Codec) -> JetModel:
    from .network import JetModel

    return JetModel(codec)  # type: ignore[arg-type]


def _learn(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import learn_jets

    yield from learn_jets(model, batch)


def _distil(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import distil

    yield from distil(model, batch)


def _sharpen(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import sharpen

    yield from sharpen(model, batch)


def _copy_teacher(model: JetModel) -> None:
    model.student.load_state_dict(model.teacher.state_dict())


def set_flow(learning: int = 4_000, distillation: int = 450, sharpening: int = 2_500) -> Recipe:
    """A spline flow for the jet's vector and an EPiC flow for the constituents, distilled to one step."""
    return Recipe(
        data=_data,
        model=_model,
        phases=(
            Phase(_learn, learning, {"jet": Adam(2e-3, clip=5.0), "teacher": Adam(1.5e-3, clip=1.0)}),
            Phase(_distil, distillation, {"student": Adam(5e-4, clip=1.0)}, start=_copy_teacher, average=0.99),
            Phase(_sharpen, sharpening, {"jet": Adam(1e-3, clip=5.0, weight_decay=1e-5)}, average=0.998),
        ),
        batch_size=384,
        sample_batch=1024,
        description="spline flow for the jet and its subjets, one-step set network for the constituents",
    )
