"""Figures of sets of pictures by category: how samples cover the truth, what they teach, and whether they copy.

Of reduced Datasets with `category` (sample), `features` (sample, feature) of a network that judges, and `thumb`
(sample, pixel), small pictures; what a domain's `reduce` gives beside whatever else it compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import Figure, Together
from .manifolds import NEIGHBOURS, cloud_shares, frechet_distance

if TYPE_CHECKING:
    import xarray as xr

PROJECTIONS = 64
"""Directions of a sliced distance."""


def _scaled(samples: xr.Dataset, truth: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    sides = [side["features"].values for side in (samples, truth)]
    middle, spread = sides[1].mean(axis=0), sides[1].std(axis=0)
    return tuple((side - middle) / np.where(spread > 0, spread, 1.0) for side in sides)  # type: ignore[return-value]


def covering(samples: xr.Dataset, truth: xr.Dataset, training: Any = None) -> dict[str, float]:
    """What the clouds of features lack, and their distance."""
    mine, true = _scaled(samples, truth)
    found = cloud_shares(mine, true)
    return {
        "uncovered": 1.0 - found["coverage"],
        "missed": 1.0 - found["recall"],
        "unlike": 1.0 - found["precision"],
        "density_off": abs(1.0 - found["density"]),
        "feature_frechet": frechet_distance(mine, true),
        "siblings": closeness(mine, true),
    }


COVERED = 0.7 * (1.0 - 0.5**NEIGHBOURS)
"""0.7 of what two truths cover of each other."""

COVERING = Together(
    covering,
    (
        Figure("uncovered", at_most=1.0 - COVERED, text="held-out images without a near sample (features)"),
        Figure("missed", text="1 - recall (features)"),
        Figure("unlike", text="1 - precision (features)"),
        Figure("density_off", text="size of 1 - density (features)"),
        Figure("feature_frechet", floors=2.0, text="Fréchet distance of features trained here, no published one"),
        Figure("siblings", at_most=0.05, text="samples nearer to another than 99 % of real images are"),
    ),
)
"""The figures of `covering`."""


def mean_difference(mine: np.ndarray, true: np.ndarray) -> float:
    """Largest difference of the means over samples, of spectra say."""
    return float(np.abs(mine.mean(axis=0) - true.mean(axis=0)).max())


def closeness(mine: np.ndarray, true: np.ndarray) -> float:
    """Share of samples nearer to another sample than 99 % of the truth are to another truth."""
    nearest = []
    for side in (mine, true):
        squared = (side**2).sum(axis=1)
        apart = squared[:, None] + squared[None, :] - 2.0 * side @ side.T
        np.fill_diagonal(apart, np.inf)
        nearest.append(apart.min(axis=1))
    return float((nearest[0] < np.quantile(nearest[1], 0.01)).mean())


def taught(samples: xr.Dataset, truth: xr.Dataset, training: Any = None) -> dict[str, float]:
    """What a classifier loses that learns from samples in place of real images, both judged on other real images.

    Logistic regression on features and thumbnails: as many samples as half of the truth, against that half. As a whole,
    and of the category that loses most.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    order = np.random.default_rng(3).permutation(truth.sizes["sample"])
    learn, test = order[: len(order) // 2], order[len(order) // 2 :]
    tables = [
        np.concatenate((0.2 * side["features"].values, side["thumb"].values), axis=1) for side in (samples, truth)
    ]
    codes = [side["category"].values for side in (samples, truth)]
    right = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, as both sides are
        for table, labels in ((tables[0][: len(learn)], codes[0][: len(learn)]), (tables[1][learn], codes[1][learn])):
            if len(np.unique(labels)) < 2:
                right.append(np.zeros(len(test)))
                continue
            model = LogisticRegression(C=0.05, max_iter=60, tol=1e-3).fit(table, labels)
            right.append((model.predict(tables[1][test]) == codes[1][test]).astype(float))
    of_each = [codes[1][test] == code for code in np.unique(codes[1][test])]
    worst = max((float(right[1][one].mean() - right[0][one].mean()) for one in of_each), default=0.0)
    whole = float(right[0].mean() / max(right[1].mean(), 1e-9))
    return {"teaching_loss": max(1.0 - whole, 0.0), "teaching_worst": max(worst, 0.0)}


def categories_apart(samples: xr.Dataset, truth: xr.Dataset, training: Any = None) -> dict[str, float]:
    """Differences of the categories' mean features in the truth's spreads: root mean square, of the farthest."""
    mine, true = _scaled(samples, truth)
    codes = [side["category"].values for side in (samples, truth)]
    apart = [
        float(np.sqrt(np.mean((mine[codes[0] == code].mean(axis=0) - true[codes[1] == code].mean(axis=0)) ** 2)))
        for code in np.intersect1d(codes[0], codes[1])
    ]
    return {"category_apart": max(apart)} if apart else {}


def sliced_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Sliced Wasserstein distance of two clouds (n, d) and (m, d): mean over `PROJECTIONS` fixed directions.

    Rabin et al. 2012, "Wasserstein barycenter and its application to texture mixing".
    """
    directions = np.random.default_rng(17).standard_normal((ours.shape[1], PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    levels = (np.arange(512) + 0.5) / 512
    sides = [np.quantile(side @ directions, levels, axis=0) for side in (ours, theirs)]
    return float(np.abs(sides[0] - sides[1]).mean())
