"""Whether mortality is learned as well from samples as from real stays, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...measuring.classifiers import area_under_curve
from .tables import summaries

if TYPE_CHECKING:
    import xarray as xr

SPLITS = 5


def usefulness(
    samples: xr.Dataset,
    truth: xr.Dataset,
    training: xr.Dataset | None = None,
    looked_at: Callable[[xr.Dataset], tuple[np.ndarray, np.ndarray]] | None = None,
) -> dict[str, float]:
    """AUROC ratios, each the mean over five splits of the truth; see `splits`."""
    del training
    found = splits(samples, truth, looked_at=looked_at or _mortality)
    if not len(found):
        return {}
    real, on_samples, on_truth = found.mean(axis=0)
    return {"tstr_ratio": float(on_truth / real), "trts_ratio": float(on_samples / real)}


def _mortality(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return summaries(data), (data["outcome"].values == 1).astype(int)


def splits(
    samples: xr.Dataset,
    truth: xr.Dataset,
    count: int = SPLITS,
    looked_at: Callable[[xr.Dataset], tuple[np.ndarray, np.ndarray]] = _mortality,
) -> np.ndarray:
    """AUROC of mortality: real to real, real to samples, samples to real, (split, 3).

    Each split trains on a half of the truth, or on as many samples, and tests on the other half, or on as many others.
    Logistic regression on summaries of each sign.

    Parameters
    ----------
    looked_at : callable
        Dataset -> features (n, k) and labels (n,) of 0 and 1.
    """
    sides = [looked_at(side) for side in (samples, truth)]
    half = min(len(side[1]) for side in sides) // 2
    found = []
    for split in range(count):
        generator = np.random.default_rng([split, 31])
        ours, theirs = (generator.permutation(len(side[1])) for side in sides)
        train = [(x[o[:half]], y[o[:half]]) for (x, y), o in zip(sides, (ours, theirs), strict=True)]
        test = [(x[o[half : 2 * half]], y[o[half : 2 * half]]) for (x, y), o in zip(sides, (ours, theirs), strict=True)]
        if min(len(np.unique(y)) for _, y in (*train, *test)) < 2:
            continue
        models = [fitted(*part) for part in train]
        found.append([_auroc(models[1], test[1]), _auroc(models[1], test[0]), _auroc(models[0], test[1])])
    return np.array(found).reshape(-1, 3)


def fitted(features: np.ndarray, labels: np.ndarray) -> Any:
    """A regularised logistic regression; gaps count as the mean."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    scaled = QuantileTransformer(n_quantiles=100, output_distribution="uniform", subsample=1_000_000_000)
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), scaled, LogisticRegression(C=0.05, max_iter=300)
    )
    return model.fit(features, labels)


def _auroc(model: Any, test: tuple[np.ndarray, np.ndarray]) -> float:
    return area_under_curve(model.decision_function(test[0]), test[1])
