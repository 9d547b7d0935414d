"""What the package holds of the Materials Project: structures by symmetry, made by scripts/package_crystals.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...physics.crystals.standard import Standard

PATH = Path(__file__).with_name("structures.npz")
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Library:
    """Structures of one split.

    Attributes
    ----------
    crystals : tuple of Standard
    formation, hull, gap : ndarray
        (n,) formation energy an atom, energy an atom above the hull, band gap [eV]; NaN where unknown.
    material : ndarray
        (n,) number of the Materials Project's identifier.
    """

    crystals: tuple[Standard, ...]
    formation: np.ndarray
    hull: np.ndarray
    gap: np.ndarray
    material: np.ndarray

    def __len__(self) -> int:
        return len(self.crystals)


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(PATH) as file:
        return {name: file[name] for name in file.files}


@cache
def library(split: str) -> Library:
    """The structures of `train`, `valid` or `test`; no chemical system is in two of them."""
    arrays = _arrays()
    ends = np.cumsum(arrays["orbits"].astype(np.int64))
    rows = np.flatnonzero(arrays["split"] == SPLITS.index(split))
    free = arrays["free"].astype(np.float64) / 65536.0
    free[np.abs(free - np.round(free * 24) / 24) < 1e-5] = np.nan  # filled in on the next line
    exact = np.round(arrays["free"].astype(np.float64) / 65536.0 * 24) / 24
    free = np.where(np.isnan(free), exact, free)
    crystals = []
    for row in rows:
        span = slice(ends[row] - int(arrays["orbits"][row]), ends[row])
        crystals.append(
            Standard(
                int(arrays["number"][row]),
                arrays["lattice"][row].astype(np.float64),
                tuple(arrays["element"][span].tolist()),
                tuple(arrays["place"][span].tolist()),
                free[span],
            )
        )
    numbers = [arrays[name][rows].astype(np.float64) for name in ("formation", "hull", "gap")]
    return Library(tuple(crystals), numbers[0], numbers[1], numbers[2], arrays["material"][rows])
