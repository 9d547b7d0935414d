"""Held-out molecules with their own properties as conditions, and joint draws of target properties."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.schema import Schema
from ...physics.molecules.descriptors import DESCRIPTORS
from ...physics.molecules.text import LENGTH
from .library import Library, LibraryError, read_library, splits, to_dataset
from .packaged import NAMES, data_set, qm9_labels, qm9_smiles
from .variables import CONDITIONS, PROPERTIES, SIMILAR

if TYPE_CHECKING:
    import xarray as xr


@cache
def _qm9() -> tuple[Library, dict[str, np.ndarray]]:
    """The test molecules of QM9, with the descriptors and labels that were packaged with them."""
    smiles = qm9_smiles()
    test = splits(smiles)["test"]
    labels = {name: values[test] for name, values in qm9_labels().items()}
    return Library(tuple(smiles[i] for i in test), data_set("qm9").properties), labels


def truth(n: int, seed: int) -> xr.Dataset:
    """Molecules of QM9's test split, drawn without replacement; the conditions are their own properties.

    Parameters
    ----------
    n : int
        At most 25,000.
    seed : int
        Of the draw. Two seeds draw from the same 25,000, so that large draws share molecules.

    Raises
    ------
    LibraryError
        More molecules than there are.
    """
    held_out, labels = _qm9()
    return _drawn(held_out, labels, n, seed, data_set="qm9")


def truth_of(path: str | Path, n: int, seed: int) -> xr.Dataset:
    """The same from the test split of a user's own file or folder, such as ZINC; see `read_library`."""
    library = read_library(path)
    test = splits(library.smiles)["test"]
    held_out = Library(tuple(library.smiles[i] for i in test), library.descriptors[test])
    return _drawn(held_out, {}, n, seed, data_set=Path(path).name)


def training_of(library: Library, labels: Mapping[str, np.ndarray] | None = None, **attrs: Any) -> xr.Dataset:
    """The training split of a library, each molecule with its own properties, and `labels` (n,) where there are any."""
    chosen = splits(library.smiles)["training"]
    properties = dict(zip(DESCRIPTORS, library.descriptors[chosen].T, strict=True))
    properties |= {name: values[chosen] for name, values in (labels or {}).items()}
    return to_dataset([library.smiles[i] for i in chosen], properties, **attrs)


def _drawn(held_out: Library, labels: Mapping[str, np.ndarray], n: int, seed: int, **attrs: Any) -> xr.Dataset:
    if n > len(held_out.smiles):
        raise LibraryError(f"n: {n} molecules asked; expected at most the {len(held_out.smiles)} of the test split")
    order = np.random.default_rng([seed, 31]).permutation(len(held_out.smiles))[:n]
    properties = dict(zip(DESCRIPTORS, held_out.descriptors[order].T, strict=True))
    properties |= {name: values[order] for name, values in labels.items()}
    varied = CONDITIONS.dataset({SIMILAR: np.zeros((n, LENGTH), dtype=np.uint8)})
    return to_dataset([held_out.smiles[i] for i in order], properties, seed=seed, **attrs).merge(varied)


# Prior -------------------------------------------------------------------------------------------------------------


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Target properties of held-out molecules: joint draws, not one property at a time.

    The molecules are ZINC's where some lie within the schema's bounds, else QM9's; where none do, those of ZINC moved
    to the nearest bounds. Neither gap and dipole nor a
    molecule to vary are asked.

    Parameters
    ----------
    schema : Schema
    n : int
    seed : int
        Row i depends on (seed, i) alone.
    """
    import torch

    from ...noise import Noise

    samples = np.arange(n)
    low, high = (np.array(side) for side in zip(*(_bounds(schema, name) for name in DESCRIPTORS), strict=True))
    rows = data_set(NAMES[0]).properties
    for name in NAMES:
        table = data_set(name).properties
        inside = ((table >= low) & (table <= high)).all(axis=1)
        if inside.any():
            rows = table[inside]
            break
    uniform = Noise(seed, torch.as_tensor(samples)).uniform((1,), "molecule").numpy()[:, 0]
    drawn = np.clip(rows[np.minimum((uniform * len(rows)).astype(np.int64), len(rows) - 1)], low, high)
    values = dict(zip(DESCRIPTORS, drawn.T, strict=True))
    unasked = np.full(n, np.nan)
    asked = {name: values.get(name, unasked) for name in PROPERTIES}
    return schema.dataset({**asked, SIMILAR: np.zeros((n, LENGTH), dtype=np.uint8)}, samples)


def _bounds(schema: Schema, name: str) -> tuple[float, float]:
    return schema[name].bounds or (-np.inf, np.inf)
