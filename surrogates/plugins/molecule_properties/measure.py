"""The figures of molecule-properties: errors molecule by molecule, coverage of the intervals, order, and failures."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...physics.molecules.simulation import CONVERGED
from ...physics.molecules.text import from_codes
from ...physics.molecules.tokens import split
from .variables import COVERAGE, EXACT, EXTRAPOLATED, LEARNED, SIMULATED

if TYPE_CHECKING:
    import xarray as xr

SIZES: tuple[tuple[int, int], ...] = ((1, 7), (8, 8), (9, 9))
"""Bins of heavy atoms, both ends included."""

LEAST = 20
"""Molecules that a bin needs to have a figure."""


def measure(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Compare answers with the reference's, molecule by molecule.

    Parameters
    ----------
    samples, truth : Dataset
        The same molecules in the same rows.
    training : Dataset, optional
        Not used.

    Returns
    -------
    dict of float
        ``<property>_mae``: mean absolute error, in the property's units, of molecules that both sides have it of; of
        the gap also by heavy atoms. ``<property>_coverage``: distance from 0.90 of the share of molecules whose
        reference lies in the interval. ``<property>_interval_score``: mean width and 20 times what lies outside
        (Gneiting, Raftery 2007, J. Am. Stat. Assoc. 102, 359, eq. 43), least for sharp intervals that hold what they
        say. ``<property>_rank``: 1 - Spearman's correlation. ``status_error``: share of molecules that the one side has
        a simulated answer of and the other not.

    Raises
    ------
    ValueError
        Other molecules, or other numbers of them, on the two sides.
    """
    del training
    if not np.array_equal(samples["smiles"].values, truth["smiles"].values):
        raise SchemaError("smiles: samples and truth differ; expected the same molecules in the same rows")
    figures: dict[str, float] = {}
    for name in (*LEARNED, *EXACT):
        figures[f"{name}_mae"] = _mean(np.abs(samples[name].values - truth[name].values))
    for name in SIMULATED:
        true, value = truth[name].values, samples[name].values
        low, high = samples[f"{name}_low"].values, samples[f"{name}_high"].values
        known = np.isfinite(true) & np.isfinite(low) & np.isfinite(high)
        held = (true >= low) & (true <= high)
        figures[f"{name}_coverage"] = abs(_mean(held[known]) - COVERAGE)
        beyond = np.maximum(low - true, 0.0) + np.maximum(true - high, 0.0)
        figures[f"{name}_interval_score"] = _mean((high - low + 2.0 / (1.0 - COVERAGE) * beyond)[known])
        figures[f"{name}_rank"] = 1.0 - rank_correlation(value, true)
    figures["status_error"] = float(np.mean(answered(samples) != answered(truth)))
    size = heavy_atoms(truth)
    error = np.abs(samples["gap"].values - truth["gap"].values)
    for least, most in SIZES:
        chosen = error[(size >= least) & (size <= most) & np.isfinite(error)]
        if len(chosen) >= LEAST:
            figures[f"{size_label(least, most)}/gap_mae"] = _mean(chosen)
    return figures


def answered(data: xr.Dataset) -> np.ndarray:
    """(n,) bool: molecules with a simulated gap and dipole."""
    return np.isin(data["status"].values, (CONVERGED, EXTRAPOLATED))


def heavy_atoms(data: xr.Dataset) -> np.ndarray:
    """(n,) numbers of atoms other than hydrogen, counted in the SMILES."""
    return np.array([_heavy(smiles) for smiles in from_codes(data["smiles"].values)])


@lru_cache(maxsize=1 << 16)
def _heavy(smiles: str) -> int:
    try:
        tokens = split(smiles)
    except ValueError:
        return 0
    return sum(token[0].isalpha() or (token[0] == "[" and token not in ("[H]", "[2H]", "[H+]")) for token in tokens)


def size_label(least: int, most: int) -> str:
    """A bin of heavy atoms in words, the first part of its figures' names."""
    return f"{least} heavy atoms" if least == most else f"{least}-{most} heavy atoms"


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation of what both have; 0 where one of them does not vary."""
    known = np.isfinite(first) & np.isfinite(second)
    ranks = [_ranks(side[known]) for side in (first, second)]
    spread = [side.std() if len(side) else 0.0 for side in ranks]
    if min(spread) == 0.0:
        return 0.0
    return float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())) / (spread[0] * spread[1]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]


def _mean(values: np.ndarray) -> float:
    """Mean of the finite values; NaN where there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
