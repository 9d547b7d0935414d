"""How the generator of molecules is trained: maximum likelihood, at a constant rate and then cooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surrogates.recipe import Adam, Batch, Codec, Phase, Recipe

from .variables import SIMILAR

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from surrogates.plugin import Plugin

    from .network import MoleculeModel


def _zinc(path: Path) -> tuple[xr.Dataset, ...]:
    from .library import read_library
    from .truth import training_of

    return (training_of(read_library(path), data_set=path.name),)


def _qm9(path: Path) -> tuple[xr.Dataset, ...]:
    from .library import Library, described
    from .packaged import qm9_labels, qm9_smiles
    from .truth import training_of

    smiles = qm9_smiles()
    library = Library(smiles, described(smiles, path / "described"))
    return (training_of(library, qm9_labels(), data_set="qm9"),)


def _model(plugin: Plugin, codec: Codec) -> MoleculeModel:
    from .network import MoleculeModel

    return MoleculeModel()


def _learn(model: MoleculeModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    from .network import learn

    yield from learn(model, batch)


def _length(encoded: Mapping[str, Tensor]) -> Tensor:
    return (encoded["tokens"] != 0).sum(1)


def _phases(learning: int, cooling: int) -> tuple[Phase, ...]:
    return (
        Phase(_learn, learning, {"network": Adam(2e-3, clip=1.0, final_fraction=1.0)}, average=0.998),
        Phase(_learn, cooling, {"network": Adam(2e-3, clip=1.0, final_fraction=0.01, warmup=1)}, average=0.998),
    )


def zinc(learning: int = 1700, cooling: int = 900) -> Recipe:
    """Drug-like molecules: ZINC250k, or any file or folder of molecules that `--data` names.

    Parameters
    ----------
    learning, cooling : int
        Updates at the full learning rate, and while it falls.
    """
    return Recipe(
        data=_zinc,
        model=_model,
        phases=_phases(learning, cooling),
        batch_size=512,
        sample_batch=512,
        alike=_length,
        derives=(SIMILAR,),
        reads=(".smi", ".csv", ".sdf", ".gz", ".xz"),
        description="recurrent network (LSTM) over SMILES tokens, trained on drug-like molecules (ZINC250k)",
    )


def qm9(learning: int = 1700, cooling: int = 900) -> Recipe:
    """Small organic molecules of up to nine heavy atoms: QM9, which the package holds."""
    return Recipe(
        data=_qm9,
        model=_model,
        phases=_phases(learning, cooling),
        batch_size=512,
        sample_batch=512,
        alike=_length,
        derives=(SIMILAR,),
        description="recurrent network (LSTM) over SMILES tokens, trained on small molecules (QM9)",
    )
