"""How far samples of a climate are from the reference's: averages, texture, succession of days, El Nino.

Samples and truth hold days at the same conditions. A figure is a size of disagreement, 0 where they agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.climate.enso import nino34
from ...physics.climate.gaussian_grid import T31
from ...physics.climate.rain_objects import WET
from . import features
from .features import BANDS, NAMES

if TYPE_CHECKING:
    import xarray as xr

VARIABLES = ("tas", "pr", "ps")
LARGEST_DEGREE = 25
QUANTILES = (0.5, 0.75, 0.9, 0.99, 0.999)
ENSO = 0.8
"""Kelvin of the Nino3.4 index from which a day counts as El Nino, and below whose negative as La Nina."""

TURN = 15
"""Days that go to one half, before as many go to the other."""

_READ = "day_features"
_PAIR = "pair_features"


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Fields as they are, and what costs time to read off them, sample by sample."""
    if _READ in dataset:
        return dataset
    read = features.high_level(dataset)[0]
    found = {_READ: (("sample", "feature"), read)}
    if dataset.sizes["day"] > 1:
        found[_PAIR] = (("sample", "pair_feature"), features.two_days(dataset)[0])
    return dataset.assign(found)


def _area(values: np.ndarray) -> float:
    return float((values * T31.cell_weights()).sum())


def _flat(dataset: xr.Dataset, name: str) -> np.ndarray:
    """(sample and day, latitude, longitude)."""
    values = dataset[name].values
    return values.reshape(-1, *values.shape[2:])


def averages(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """RMSE of time means, wet days and rain quantiles: what a copula of cells meets too."""
    scale = {"tas": 1.0, "pr": 86_400.0, "ps": 0.01}
    found = {}
    for name in VARIABLES:
        difference = (_flat(samples, name).mean(0) - _flat(truth, name).mean(0)) * scale[name]
        found[f"mean_rmse_{name}"] = _area(difference**2) ** 0.5
    wet = [(_flat(side, "pr") >= WET).mean(0) for side in (samples, truth)]
    found["wet_days"] = _area(np.abs(wet[0] - wet[1]))
    tails = [_rain_quantiles(_flat(side, "pr")) for side in (samples, truth)]
    found["rain_quantiles"] = float(np.abs(np.log(tails[0] / tails[1])).max())
    return found


def _rain_quantiles(rain: np.ndarray) -> np.ndarray:
    wet = rain[:: max(1, len(rain) // 400)]
    return np.quantile(wet, QUANTILES) + 0.05 * WET


def texture(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Differences of features' means, and of the spread of area-mean rain, in standard deviations or logarithms."""
    first, second = (dict(zip(NAMES, side[_READ].values.T, strict=True)) for side in (samples, truth))
    apart = {name: abs(first[name].mean() - second[name].mean()) / (second[name].std() + 1e-12) for name in NAMES}

    def worst(*prefixes: str) -> float:
        return float(max(value for name, value in apart.items() if name.startswith(prefixes)))

    spreads = [np.array([side[f"rain_{band}"].std() for band in BANDS]) for side in (first, second)]
    return {
        "rain_areas": worst("rain_areas_"),
        "neighbour_agreement": worst("agreement_"),
        "rain_gradients": worst("gradient_"),
        "rain_in_storms": worst("rain_in_lows_", "pressure_at_downpours_"),
        "area_mean_rain_spread": float(np.abs(np.log(spreads[0] / spreads[1])).max()),
    }


def spectra(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Largest relative error of the anomalies' power up to degree 25, in bands of three degrees."""
    import torch

    from ...physics.climate.harmonics import power

    found = {}
    for name in VARIABLES:
        mean, spectra = _flat(truth, name).mean(0), []
        for side in (samples, truth):
            maps = side[name].values[:, 0] - mean
            if name == "pr":
                maps = maps * 86_400.0
            spectra.append(power(torch.as_tensor(maps).float(), LARGEST_DEGREE + 1).numpy().mean(0)[1:])
        banded = [spectrum[: LARGEST_DEGREE // 3 * 3].reshape(-1, 3).sum(1) for spectrum in spectra]
        found[f"spectrum_{name}"] = float(np.abs(banded[0] / banded[1] - 1.0).max())
    return found


def _lag(dataset: xr.Dataset, name: str, mean: np.ndarray, spread: np.ndarray) -> float:
    """Area mean of the correlation of departures from a seasonal mean on consecutive days."""
    values = dataset[name].values
    first, second = ((values[:, day] - mean) / spread for day in range(2))
    return _area((first * second).mean(0) / np.sqrt((first**2).mean(0) * (second**2).mean(0) + 1e-30))


def seasonal_mean(dataset: xr.Dataset, name: str) -> np.ndarray:
    """Smooth year of each sample's first days, (sample, latitude, longitude)."""
    from .variables import YEAR

    values = dataset[name].values[:, :2].mean(1, dtype="float64")
    angle = 2.0 * np.pi * dataset["day_of_year"].values / YEAR
    waves = np.stack([np.ones_like(angle)] + [f(k * angle) for k in (1, 2) for f in (np.cos, np.sin)], 1)
    slopes = np.linalg.lstsq(waves, values.reshape(len(values), -1), rcond=None)[0]
    return (waves @ slopes).reshape(values.shape)


def succession(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Lag-1 correlations, and how well a linear classifier tells changes between days; none of days alone."""
    if min(samples.sizes["day"], truth.sizes["day"]) < 2:
        return {}
    found = {}
    for name in VARIABLES:
        kept = []
        for side in (samples, truth):
            mean = seasonal_mean(side, name)
            spread = (side[name].values[:, 0] - mean).std(0) + 1e-12
            kept.append(_lag(side, name, mean, spread))
        found[f"lag1_{name}"] = abs(kept[0] - kept[1])
    first, second = (side[_PAIR].values for side in (samples, truth))
    found["auc_two_days"] = _auc(first, second)
    return found


def _auc(first: np.ndarray, second: np.ndarray) -> float:
    """Cross-validated AUC of a linear classifier, 0.5 where it cannot tell."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table, label = np.concatenate([first, second]), np.repeat([0, 1], [len(first), len(second)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))
    return float(roc_auc_score(label, cross_val_predict(model, table, label, cv=folds, method="decision_function")))


def el_nino(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Composites of El Nino less La Nina: 1 - pattern correlation, and |slope - 1| of amplitude on the truth's.

    The weather of a few hundred days leaves noise in every composite, which lowers correlation and slope alike. Each
    side's days are therefore split in two by turns of `TURN` days, and products of a map with itself are taken between
    its halves, whose noise is independent: the correlation is divided by both sides' reliabilities [1]_.

    .. [1] C. Spearman, American Journal of Psychology 15, 72 (1904), the correction for attenuation.
    """
    sides = []
    for side in (samples, truth):
        index = nino34(np.nan_to_num(side["sst_anomaly"].values))
        halves = (side["day_of_year"].values // TURN).astype(int) % 2
        groups = [[(index * sign > ENSO) & (halves == half) for sign in (1, -1)] for half in range(2)]
        if min(group.sum() for half in groups for group in half) < 10:
            return {}
        sides.append((side, groups))
    found = {}
    for name in ("pr", "ps"):
        (a, b), (c, d) = (_composites(side, name, groups) for side, groups in sides)
        between, own, truths = _area((a + b) * (c + d)) / 4.0, _area(a * b), _area(c * d)
        clear = own > 0.0 and truths > 0.0
        found[f"enso_pattern_{name}"] = abs(1.0 - between / (own * truths) ** 0.5) if clear else 1.0
        found[f"enso_slope_{name}"] = abs(between / truths - 1.0) if truths > 0.0 else 1.0
    return found


def _composites(side: xr.Dataset, name: str, groups: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Warm less cold days of each half, without its global mean, (latitude, longitude) each."""
    anomaly = side[name].values[:, :2].mean(1) - seasonal_mean(side, name)
    maps = [anomaly[warm].mean(0) - anomaly[cold].mean(0) for warm, cold in groups]
    return [part - _area(part) for part in maps]
