"""What the package holds of its two data sets: QM9's molecules, and of both what recomputes the figures.

Made by scripts/package_molecules.py. ZINC's molecules are not packaged: of them there are the properties of the test
molecules, hashed InChIKeys of the training molecules, and ChemNet's mean and covariance over the test molecules.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...physics.molecules.structure import label

FOLDER = Path(__file__).with_name("data")
QM9 = FOLDER / "qm9.smi.xz"
NAMES = ("zinc", "qm9")
LABELS = FOLDER / "qm9_xtb.npz"
KEY_BITS = 40


@dataclass(frozen=True)
class DataSet:
    """What recomputes the figures of a data set.

    Attributes
    ----------
    properties : ndarray
        (n, 5) float64 of the test molecules, in the order of `DESCRIPTORS`.
    training_keys : ndarray
        (m,) int64, sorted: the first 40 bits of the training molecules' hashed InChIKeys.
    mean, covariance : ndarray
        (512,), (512, 512) float64 of ChemNet's activations of the test molecules.
    """

    properties: np.ndarray
    training_keys: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


@cache
def data_set(name: str) -> DataSet:
    """The packaged arrays of `zinc` or `qm9`."""
    with np.load(FOLDER / f"{name}.npz") as file:
        upper = np.triu_indices(len(file["mean"]))
        covariance = np.zeros((len(file["mean"]),) * 2)
        covariance[upper] = file["covariance"]
        covariance.T[upper] = file["covariance"]
        return DataSet(
            file["properties"].astype(np.float64),
            np.cumsum(file["key_steps"].astype(np.int64)),
            file["mean"].astype(np.float64),
            covariance,
        )


def save_data_set(name: str, contents: DataSet, folder: Path = FOLDER) -> Path:
    """Write what `data_set` reads: single precision, the covariance's upper triangle, steps between sorted keys."""
    path = folder / f"{name}.npz"
    steps = np.diff(contents.training_keys, prepend=0)
    if len(steps) and (steps.min() < 0 or steps.max() >= 1 << 32):
        raise ValueError(f"training_keys: steps of {steps.min()} to {steps.max()}; expected sorted keys of 40 bits")
    np.savez_compressed(
        path,
        properties=contents.properties.astype(np.float32),
        key_steps=steps.astype(np.uint32),
        mean=contents.mean.astype(np.float32),
        covariance=contents.covariance[np.triu_indices(len(contents.mean))].astype(np.float32),
    )
    return path


def key(inchi_key: str, smiles: str) -> int:
    """Identity of a molecule: 40 bits of its hashed InChIKey, or of its SMILES where InChI has none."""
    return label(inchi_key or f"smiles {smiles}") >> (64 - KEY_BITS)


@cache
def known_keys() -> np.ndarray:
    """Sorted keys of the training molecules of every data set."""
    return np.unique(np.concatenate([data_set(name).training_keys for name in NAMES]))


def save_labels(gap: np.ndarray, dipole: np.ndarray, path: Path = LABELS) -> Path:
    """Write what `qm9_labels` reads, in half precision: 0.004 eV at 8 eV, where conformers differ by 0.1."""
    np.savez_compressed(path, gap=gap.astype(np.float16), dipole=dipole.astype(np.float16))
    return path


def qm9_labels(path: Path = LABELS) -> dict[str, np.ndarray]:
    """GFN2-xTB gap [eV] and dipole [debye] of QM9's molecules, in their order; NaN where the chain failed.

    Empty in a package without labels.
    """
    if not path.is_file():
        return {}
    with np.load(path) as file:
        return {name: file[name].astype(np.float64) for name in ("gap", "dipole")}


@cache
def qm9_smiles() -> tuple[str, ...]:
    """The molecules of QM9, canonical, each once."""
    return tuple(lzma.decompress(QM9.read_bytes()).decode("ascii").split())
