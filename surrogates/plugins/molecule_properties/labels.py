"""Simulated labels of QM9 that the plugin ships, and which of its molecules train, calibrate and test.

The molecules are those of QM9 (Ramakrishnan et al. 2014, Sci. Data 1, 140022), SMILES from the data of the package
selfies (Apache-2.0, github.com/aspuru-guzik-group/selfies); the labels are this suite's own, by
`surrogates.physics.molecules.simulation`.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...physics.molecules.simulation import STATUSES
from ...physics.molecules.text import from_codes, to_codes
from .graphs import Graph, graphs
from .variables import CONDITIONS, EXACT, LEARNED, OUTPUTS, SIMULATED, STEREO

if TYPE_CHECKING:
    import xarray as xr

PACKED = Path(__file__).with_name("labels.txt.xz")
"""One line a column, its name first, the values of all molecules after it."""

COLUMNS = ("smiles", "status", *LEARNED)

DECIMALS = {"gap": 2, "dipole": 2, "log_p": 2, "qed": 3, "synthetic_accessibility": 2}
"""Decimals of the packed numbers: rounding is a fiftieth of the surrogate's error or less."""

PARTS = ("train", "calibration", "test")
_TENTHS = {0: "test", 1: "calibration"}


def part(smiles: str) -> str:
    """Which of `PARTS` a canonical SMILES belongs to: a tenth each tests and calibrates, by a hash of the text."""
    digest = hashlib.blake2b(smiles.encode("ascii"), digest_size=8).digest()
    return _TENTHS.get(int.from_bytes(digest, "little") % 10, "train")


def packed() -> dict[str, list[str]]:
    """The packed columns as text."""
    with lzma.open(PACKED, "rt", encoding="ascii") as file:
        columns = [line.split() for line in file]
    return {name: values for name, *values in columns}


@cache
def labels(of: str) -> xr.Dataset:
    """Conditions and labels of all packed molecules of one part, in the order of QM9.

    Parameters
    ----------
    of : {"train", "calibration", "test"}

    Returns
    -------
    xarray.Dataset
        `smiles`, `status` and the properties `LEARNED`, NaN where a molecule has none.
    """
    columns = packed()
    rows = [row for row, smiles in enumerate(columns["smiles"]) if part(smiles) == of]
    values: dict[str, np.ndarray] = {name: np.array([float(columns[name][row]) for row in rows]) for name in LEARNED}
    values["status"] = np.array([STATUSES.index(columns["status"][row]) for row in rows])
    smiles = CONDITIONS.dataset({"smiles": to_codes([columns["smiles"][row] for row in rows])[0]})
    return smiles.merge(OUTPUTS.dataset(values))


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """SMILES of test molecules; see `truth` for their order."""
    codes = labels("test")["smiles"].values
    return schema.dataset({"smiles": codes[drawn(len(codes), n, seed)]})


def truth(n: int, seed: int) -> xr.Dataset:
    """Simulated labels of molecules that neither trained nor calibrated the surrogate; needs RDKit and no xTB.

    Parameters
    ----------
    n : int
        Row i is a function of (seed, i) alone; the test molecules come again, in another order, where n is more than
        there are.
    seed : int
        Of the order.
    """
    held_out = labels("test")
    rows = held_out.isel(sample=drawn(held_out.sizes["sample"], n, seed))
    numbers = {name: rows[name].values for name in LEARNED}
    read = graphs(from_codes(rows["smiles"].values))
    numbers |= {name: np.array([getattr(found, name) for found in read], dtype=np.float64) for name in EXACT}
    return (
        rows[["smiles"]]
        .assign_coords(sample=np.arange(n))
        .merge(point_intervals(numbers, rows["status"].values, read, np.arange(n)))
    )


def point_intervals(
    numbers: dict[str, np.ndarray], status: np.ndarray, read: Sequence[Graph], samples: np.ndarray
) -> xr.Dataset:
    """Outputs of a reference: it takes its own value for certain, so that both ends of an interval are the value.

    Parameters
    ----------
    numbers : dict of numpy.ndarray
        (n,) by property, NaN where there is none.
    status, samples : numpy.ndarray
        (n,) codes and identities.
    read : sequence of Graph
        Of which the geometry has the stereochemistry.
    """
    ends = {f"{name}_{end}": numbers[name] for name in SIMULATED for end in ("low", "high")}
    stereo = np.array([STEREO.index("used" if molecule.stereo else "none") for molecule in read], dtype=np.int8)
    found = {**numbers, **ends, "status": status, "stereochemistry": stereo}
    return OUTPUTS.dataset({name: found[name] for name in OUTPUTS.names}, samples)


def drawn(available: int, n: int, seed: int) -> np.ndarray:
    """(n,) positions below `available`: one random order of them all after another."""
    rounds = -(-n // available)
    orders = [np.random.default_rng([abs(int(seed)), k]).permutation(available) for k in range(rounds)]
    return np.concatenate([*orders, np.zeros(0, dtype=np.int64)])[:n].astype(np.int64)
