"""The figures of health records: values, gaps, courses, use for prediction, sub-groups, membership, all together.

No one of them says much: a copula by outcome predicts as well as real stays, and a copy of the training stays passes
all but the attack on membership.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...contract.findings import Target
from ...contract.plugin import Features
from ...measuring.distances import kolmogorov_smirnov_distance, wasserstein_distance
from ...measuring.figures import Figure, Figures, Together, by, classes
from .attacks import nearest_neighbour_attack
from .prediction import usefulness
from .tables import flat, table
from .variables import NAMES, UNITS

if TYPE_CHECKING:
    import xarray as xr

N_STAYS = 1500
"""Stays on each side: what the challenge leaves for evaluation."""
LABORATORY = tuple(
    NAMES.index(n) for n in ("glucose", "potassium", "sodium", "creatinine", "haematocrit", "white_cells")
)
COARSE = 5
"""Levels of a value where transitions are counted."""

Distance = Callable[[np.ndarray, np.ndarray], float]


def _there(data: xr.Dataset) -> np.ndarray:
    """Whether measured, (n, bin, sign)."""
    return np.isfinite(table(data))


def joint_missingness(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean difference of the shares of stays in which two (bin, sign) cells are both measured, over all pairs."""
    shares = [(side := s.reshape(len(s), -1).astype(np.float32)).T @ side / len(s) for s in (samples, truth)]
    return float(np.abs(shares[0] - shares[1]).mean())


def missingness_transitions(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean difference of the four shares of (measured now, measured next) for each sign."""
    found = []
    for now in (False, True):
        for then in (False, True):
            found.append([((s[:, :-1] == now) & (s[:, 1:] == then)).mean(axis=(0, 1)) for s in (samples, truth)])
    return float(np.mean([np.abs(a - b) for a, b in found]))


def _measured(data: xr.Dataset) -> np.ndarray:
    """Cells measured in each stay, in units of all."""
    return _there(data).mean(axis=(1, 2))


def _laboratory(data: xr.Dataset) -> np.ndarray:
    """Bins with a laboratory value in each stay, mean of six analytes."""
    return _there(data)[:, :, LABORATORY].sum(axis=1).mean(axis=1)


def transitions(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean total variation of a sign's coarse level (or gap) now and in the next bin, fifths of the truth's values."""
    found = []
    for sign in range(truth.shape[2]):
        known = truth[:, :, sign][np.isfinite(truth[:, :, sign])]
        edges = np.unique(np.quantile(known, np.arange(1, COARSE) / COARSE)) if len(known) else np.zeros(1)
        counted = []
        for side in (samples, truth):
            values = side[:, :, sign]
            level = np.where(np.isfinite(values), 1 + np.searchsorted(edges, values, side="right"), 0)
            pair = (level[:, :-1] * (COARSE + 1) + level[:, 1:]).ravel()
            counted.append(np.bincount(pair, minlength=(COARSE + 1) ** 2) / len(pair))
        found.append(0.5 * np.abs(counted[0] - counted[1]).sum())
    return float(np.mean(found))


def marginals(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean Kolmogorov-Smirnov distance of measured values."""
    return _mean_over_signs(samples, truth, kolmogorov_smirnov_distance)


def changes(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean Kolmogorov-Smirnov distance of a sign's change to the next bin, where both are measured."""
    return _mean_over_signs(np.diff(samples, axis=1), np.diff(truth, axis=1), kolmogorov_smirnov_distance)


def _mean_over_signs(samples: np.ndarray, truth: np.ndarray, distance: Distance) -> float:
    found = []
    for sign in range(truth.shape[2]):
        sides = [side[:, :, sign][np.isfinite(side[:, :, sign])] for side in (samples, truth)]
        found.append(distance(*sides) if min(map(len, sides)) else 1.0)
    return float(np.mean(found))


def relations(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean difference of the correlations between stays' means, over pairs of signs that a fifth of stays share."""
    apart = np.abs(_correlations(samples) - _correlations(truth))
    return float(np.nanmean(apart)) if np.isfinite(apart).any() else 1.0


def _correlations(values: np.ndarray) -> np.ndarray:
    there = np.isfinite(values)
    count = there.sum(axis=1)
    mean = np.where(count > 0, np.where(there, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return _pairwise(mean)


def _pairwise(mean: np.ndarray) -> np.ndarray:
    """Correlations over the rows that have both columns, NaN where these are few."""
    known = np.isfinite(mean)
    middle = np.where(known, mean, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, mean - middle, 0.0)
    both = known.T.astype(float) @ known
    squares = (centred**2).T @ known
    found = centred.T @ centred / np.sqrt(np.maximum(squares * squares.T, 1e-12))
    return np.where(both >= max(0.2 * len(mean), 20), found, np.nan)


def informative_gaps(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean difference of how much a value lies above the sign's mean where the next bin is measured, in its spread."""
    spread = np.nanstd(truth, axis=(0, 1))
    found = []
    for side in (samples, truth):
        now, then = side[:, :-1], np.isfinite(side[:, 1:])
        found.append([_excess(now[:, :, j], then[:, :, j]) for j in range(side.shape[2])])
    apart = np.abs(np.subtract(*found)) / np.where(spread > 0, spread, 1.0)
    return float(np.nanmean(apart)) if np.isfinite(apart).any() else 1.0


def _excess(values: np.ndarray, then: np.ndarray) -> float:
    known = np.isfinite(values)
    if (known & then).sum() < 20 or (known & ~then).sum() < 20:
        return np.nan
    return float(values[known & then].mean() - values[known & ~then].mean())


def _died(data: xr.Dataset) -> np.ndarray:
    return (data["outcome"].values == 1).astype(np.float64)


def mortality(samples: np.ndarray, truth: np.ndarray) -> float:
    """Difference of the shares that died."""
    return float(abs(samples.mean() - truth.mean()))


def _by_outcome(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return table(data), _died(data)


def outcome_gap(samples: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean difference of each sign's mean among the dead less that among survivors, in the sign's spread."""
    spread = np.nanstd(truth[0], axis=(0, 1))
    gaps = [
        np.array([_excess(v[:, :, j], np.repeat(d[:, None] == 1, v.shape[1], axis=1)) for j in range(v.shape[2])])
        for v, d in (samples, truth)
    ]
    apart = np.abs(gaps[0] - gaps[1]) / np.where(spread > 0, spread, 1.0)
    return float(np.nanmean(apart)) if np.isfinite(apart).any() else 1.0


def _with_conditions(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Conditions, (n, 6), and what may depend on them: each sign's count and mean, and the outcome, (n, 33)."""
    unit = data["unit"].values
    asked = [data["age"].values, np.where(data["sex"].values < 0, np.nan, data["sex"].values)]
    asked += [np.where(unit < 0, np.nan, unit == code) for code in range(len(UNITS))]
    cells = table(data)
    there = np.isfinite(cells)
    count = there.sum(axis=1)
    mean = np.where(count > 0, np.where(there, cells, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return np.stack(asked, axis=1).astype(np.float64), np.concatenate([count, mean, _died(data)[:, None]], axis=1)


def conditioned(samples: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray]) -> float:
    """Root mean square difference of the correlations, 0.15 or more in truth, of conditions with what follows."""
    tables = [_pairwise(np.concatenate(side, axis=1)) for side in (samples, truth)]
    asked = samples[0].shape[1]
    ours, theirs = (side[:asked, asked:] for side in tables)
    apart = (ours - theirs)[np.abs(np.nan_to_num(theirs)) >= 0.15]
    known = apart[np.isfinite(apart)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else 1.0


def _first_day(data: xr.Dataset) -> np.ndarray:
    return table(data)[:, :6]


def _last_day(data: xr.Dataset) -> np.ndarray:
    return table(data)[:, 6:]


def _stature(data: xr.Dataset) -> np.ndarray:
    return np.stack([data[name].values for name in ("height", "body_weight")], axis=-1)[:, None, :]


def _stature_there(data: xr.Dataset) -> np.ndarray:
    known = np.isfinite(_stature(data)[:, 0])
    return known[:, 0] + 2.0 * known[:, 1]


def _membership(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None) -> dict[str, float]:
    """The attack, where the training stays are at hand."""
    if training is None:
        return {}
    return {"membership": nearest_neighbour_attack(flat(samples), flat(training), flat(truth))}


def _old(data: xr.Dataset) -> np.ndarray:
    return (data["age"].values >= 75.0).astype(int)


_GROUPS = (
    Figure("mortality", _died, mortality, floors=3.0, text="difference of mortality"),
    Figure("transitions", table, transitions, floors=2.0, text="total variation of a sign's level now and next"),
)

FIGURES = Figures(
    (
        Figure("joint_missingness", _there, joint_missingness, floors=2.0, text="shares of cells measured together"),
        Figure(
            "missingness_transitions", _there, missingness_transitions, floors=2.0, text="shares measured now and next"
        ),
        Figure("measured_w1", _measured, wasserstein_distance, floors=2.0, text="W1 of the share of cells measured"),
        Figure(
            "laboratory_w1", _laboratory, wasserstein_distance, floors=2.0, text="W1 of bins with laboratory values"
        ),
        Figure("transitions", table, transitions, floors=2.0, text="total variation of a sign's level now and next"),
        Figure("first_day_marginals", _first_day, marginals, floors=2.0, text="mean KS distance of values, first day"),
        Figure("last_day_marginals", _last_day, marginals, floors=2.0, text="mean KS distance of values, second day"),
        Figure("changes", table, changes, floors=2.0, text="mean KS distance of changes to the next bin"),
        Figure("relations", table, relations, floors=2.0, text="correlations between stays' means"),
        Figure("informative_gaps", table, informative_gaps, floors=2.0, text="values before a gap and before none"),
        Figure(
            "conditioned", _with_conditions, conditioned, floors=2.0, text="correlation of a condition and what follows"
        ),
        Figure("stature", _stature, marginals, floors=2.0, text="mean KS distance of height and weight"),
        Figure(
            "stature_known", _stature_there, kolmogorov_smirnov_distance, floors=2.0, text="which of them are known"
        ),
        Figure("outcome_gap", _by_outcome, outcome_gap, floors=2.0, text="signs of the dead less those of survivors"),
        Together(
            usefulness,
            (
                Figure(
                    "tstr_ratio", at_least=0.97, text="AUROC of mortality, trained on samples, over trained on truth"
                ),
                Figure(
                    "trts_ratio", at_least=0.97, text="AUROC of mortality on samples over on truth, trained on truth"
                ),
            ),
        ),
        Together(_membership, (Figure("membership", at_most=0.02, text="true positives at 1 % false ones"),)),
        by(classes("unit", UNITS), *_GROUPS),
        by(classes(_old, ("under_75", "from_75")), _GROUPS[0]),
    ),
    n=N_STAYS,
    least=40,
)
"""The plugin's measure."""


def features(data: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The full table with its gaps: conditions, outcome, stature and every cell; boosting takes a gap for a value."""
    about = ("age", "sex", "unit", "outcome", "height", "body_weight")
    columns = [np.asarray(data[name].values, dtype=np.float64) for name in about]
    cells = table(data)
    names = [f"{name} {b}" for b in range(cells.shape[1]) for name in NAMES]
    last = [f"measured {name}" for name in NAMES]
    counted = np.isfinite(cells).sum(axis=1)
    return np.concatenate([np.stack(columns, axis=1), cells.reshape(len(cells), -1), counted], axis=1), (
        *about,
        *names,
        *last,
    )


FEATURES = Features(high_level=features)
TARGETS = {
    "auc_high_level": Target(
        N_STAYS, at_most=0.80, description="two-sample classifier, gradient boosting on the full table with its gaps"
    ),
    **FIGURES.targets,
}
