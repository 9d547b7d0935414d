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

TRAINING_JETS = 174_000  # 58,000 a type


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    return (truth(TRAINING_JETS, TRAINING_SEED, folder),)


def _model(plugin: Plugin, codec: Codec) -> JetModel:
    from .network import JetModel

    return JetModel(codec)  # type: ignore[arg-type]


def _learn_vector(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import learn_vector

    yield from learn_vector(model, batch)


def _calibrate(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import calibrate

    yield from calibrate(model, batch)


def _learn_set(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import learn_set

    yield from learn_set(model, batch)


def _distil(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import distil

    yield from distil(model, batch)


def _match(model: JetModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import match

    yield from match(model, batch)


def _copy_teacher(model: JetModel) -> None:
    model.student.load_state_dict(model.teacher.state_dict())


def _keep_distilled(model: JetModel) -> None:
    model.distilled.load_state_dict(model.student.state_dict())


def set_flow(
    vector: int = 15_000,
    calibration: int = 5_000,
    learning: int = 6_000,
    distillation: int = 450,
    matching: int = 2_800,
) -> Recipe:
    """A calibrated spline flow for the jet's vector; an EPiC flow for its set, distilled to one step and then scored.

    Parameters
    ----------
    vector, calibration, learning, distillation, matching : int
        Updates of each phase.
    """
    return Recipe(
        data=_data,
        model=_model,
        phases=(
            Phase(_learn_vector, vector, {"jet": Adam(2e-3, clip=5.0, weight_decay=1e-5)}, average=0.998),
            Phase(_calibrate, calibration, {"calibration": Adam(2e-2, clip=0.0)}, average=0.9995),
            Phase(_learn_set, learning, {"teacher": Adam(1.5e-3, clip=1.0)}),
            Phase(_distil, distillation, {"student": Adam(5e-4, clip=1.0)}, start=_copy_teacher, average=0.99),
            Phase(_match, matching, {"student": Adam(1e-3, clip=1.0)}, start=_keep_distilled, average=0.998),
        ),
        batch_size=384,
        sample_batch=1024,
        description="spline flow for the jet and its subjets, one-step set network for the constituents",
    )
