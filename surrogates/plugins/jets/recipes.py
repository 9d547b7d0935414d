"""How the jet generator is trained: likelihood and flow matching, then distillation to one step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Phase, Recipe
from .reference import TRAINING_SEED, truth

if TYPE_CHECKING:
    import xarray as xr

    from .network import JetModel

TRAINING_JETS = 174_000  # 58,000 a type


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    return (truth(TRAINING_JETS, TRAINING_SEED, folder),)


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
        model=deferred("surrogates.plugins.jets.network:JetModel"),
        phases=(
            Phase(
                deferred("surrogates.plugins.jets.network:learn_vector"),
                vector,
                {"jet": Adam(2e-3, clip=5.0, weight_decay=1e-5)},
                average=0.998,
            ),
            Phase(
                deferred("surrogates.plugins.jets.network:calibrate"),
                calibration,
                {"calibration": Adam(2e-2, clip=0.0)},
                average=0.9995,
            ),
            Phase(deferred("surrogates.plugins.jets.network:learn_set"), learning, {"teacher": Adam(1.5e-3, clip=1.0)}),
            Phase(
                deferred("surrogates.plugins.jets.network:distil"),
                distillation,
                {"student": Adam(5e-4, clip=1.0)},
                start=_copy_teacher,
                average=0.99,
            ),
            Phase(
                deferred("surrogates.plugins.jets.network:match"),
                matching,
                {"student": Adam(1e-3, clip=1.0)},
                start=_keep_distilled,
                average=0.998,
            ),
        ),
        batch_size=384,
        sample_batch=1024,
        sample_part=32,
        description="spline flow for the jet and its subjets, one-step set network for the constituents",
        use=(
            "Jet mass, transverse momentum, N-subjettiness and energy flow for fast studies and augmentation. "
            "Constituents miss their limit by 1.1 to 3 times, light quarks most, and a network tells jets apart at "
            "AUC 0.6 to 0.7: do not train or calibrate a tagger on constituents with it alone."
        ),
    )
