"""How the crystal model is trained."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Model, Muon, Phase, Recipe

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

SOURCE = "Materials Project structures (CC BY 4.0) of up to 40 atoms and 16 orbits, three in four chemical systems"


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    """The packaged training structures."""
    from .truth import pool

    del folder
    return (pool("train"),)


def _model(codec: Codec, *, width: int, layers: int) -> Model:
    from .model import CrystalModel

    return CrystalModel(codec, width=width, layers=layers)


def _length(encoded: Mapping[str, Tensor]) -> Tensor:
    return (encoded["tokens"] != 0).sum(1)


def wyckoff(updates: int = 900, width: int = 112, layers: int = 3) -> Recipe:
    """Autoregressive over Wyckoff positions, then cell and coordinates by mixtures.

    Parameters
    ----------
    updates : int
        Of 128 structures each.
    width, layers : int
        Of the transformer.
    """
    writer = Muon(2e-3, matrices=4e-3, inside="writer.layers", warmup=30, final_fraction=0.02)
    estimator = Adam(3e-3, warmup=30, weight_decay=1e-4, final_fraction=0.01)
    return Recipe(
        data=_data,
        model=partial(_model, width=width, layers=layers),
        phases=(
            Phase(
                deferred("surrogates.plugins.crystals.network:learn"),
                updates,
                {"network": writer, "estimator": estimator},
                average=0.995,
            ),
        ),
        batch_size=128,
        sample_batch=256,
        alike=_length,
        source=SOURCE,
        description="transformer over space group, Wyckoff positions and free parameters; symmetric by construction",
        use=(
            "Candidate structures of a formula or chemical system in a space group, to be relaxed and judged by a "
            "potential or density-functional theory. Energies that come with them rank and do not judge."
        ),
    )
