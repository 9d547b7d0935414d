"""The figures of molecule-properties: errors molecule by molecule, coverage of the intervals, order, and failures."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.distances import mean_absolute_error
from ...measuring.figures import Figure, Figures, by, counts
from ...physics.molecules.simulation import CONVERGED
from ...physics.molecules.text import from_codes
from ...physics.molecules.tokens import split
from .variables import COVERAGE, EXACT, EXTRAPOLATED, LEARNED, OUTPUTS, SIMULATED

if TYPE_CHECKING:
    import xarray as xr

SIZES: tuple[tuple[int, int], ...] = ((1, 7), (8, 8), (9, 9))
"""Bins of heavy atoms, both ends included."""

N_MOLECULES = 10_000
"""Molecules on each side of a figure."""

ERRORS = {"gap": 0.20, "dipole": 0.50, "log_p": 0.10, "qed": 0.02, "synthetic_accessibility": 0.15}
"""Largest mean absolute errors, in the properties' units. A constant misses the gap by 1.6 eV and the dipole by 1.2
debye; the gap of one molecule moves by 0.11 eV between two conformers."""

ROUNDED = 1e-3
"""What RDKit computes on both sides may differ by rounding alone."""

LEAST = 20
"""Molecules that a bin needs to have a figure."""


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


def _ends(data: xr.Dataset, *, name: str) -> np.ndarray:
    """(n, 3) value, lower and upper end."""
    return np.stack([data[f"{name}{end}"].values for end in ("", "_low", "_high")], axis=1)


def _judged(samples: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True values and the ends of intervals, where all three are known."""
    true, low, high = truth[:, 0], samples[:, 1], samples[:, 2]
    known = np.isfinite(true) & np.isfinite(low) & np.isfinite(high)
    return true[known], low[known], high[known]


def coverage_error(samples: np.ndarray, truth: np.ndarray) -> float:
    """Distance from 0.90 of the share of molecules whose reference lies in the interval."""
    true, low, high = _judged(samples, truth)
    return abs(float(((true >= low) & (true <= high)).mean()) - COVERAGE) if len(true) else float("nan")


def interval_score(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean width and 20 times what lies outside, least for sharp intervals that hold what they say.

    Gneiting, Raftery 2007, J. Am. Stat. Assoc. 102, 359, eq. 43.
    """
    true, low, high = _judged(samples, truth)
    beyond = np.maximum(low - true, 0.0) + np.maximum(true - high, 0.0)
    return float((high - low + 2.0 / (1.0 - COVERAGE) * beyond).mean()) if len(true) else float("nan")


def _error_of_enough(samples: np.ndarray, truth: np.ndarray) -> float | None:
    enough = np.isfinite(samples - truth).sum() >= LEAST
    return mean_absolute_error(samples, truth) if enough else None


def _disorder(samples: np.ndarray, truth: np.ndarray) -> float:
    return 1.0 - rank_correlation(samples, truth)


def _disagreement(samples: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(samples != truth))


def _error(name: str) -> Figure:
    """Mean absolute error of what both sides have."""
    variable = OUTPUTS[name]
    text = f"mean absolute error of the {variable.long_name}"
    limit = ERRORS.get(name, ROUNDED)
    return Figure(f"{name}_mae", name, mean_absolute_error, at_most=limit, text=text, units=variable.units)


def _intervals(name: str) -> tuple[Figure, ...]:
    text, units, ends = OUTPUTS[name].long_name, OUTPUTS[name].units, partial(_ends, name=name)
    held = f"distance from 0.90 of the share held by intervals, {text}"
    return (
        Figure(f"{name}_coverage", ends, coverage_error, at_most=0.02, text=held),
        Figure(f"{name}_interval_score", ends, interval_score, text=f"interval score of the {text}", units=units),
        Figure(f"{name}_rank", name, _disorder, text=f"1 - Spearman's rank correlation of the {text}"),
    )


FIGURES = Figures(
    (
        *(_error(name) for name in (*LEARNED, *EXACT)),
        *(figure for name in SIMULATED for figure in _intervals(name)),
        Figure(
            "status_error",
            answered,
            _disagreement,
            text="share of molecules answered by the simulation or the surrogate alone",
        ),
        by(
            counts(heavy_atoms, SIZES, "heavy atoms"),
            Figure("gap_mae", "gap", _error_of_enough, text="mean absolute error of the gap", units="eV"),
        ),
    ),
    n=N_MOLECULES,
    paired=("smiles",),
)
"""The plugin's measure: answers and the reference's, molecule by molecule."""
