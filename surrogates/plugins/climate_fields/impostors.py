"""Cheap stand-ins for a climate model, fitted to the truth itself: what a figure must expose to mean anything.

`linear` is climatology, regression on El Nino's index and noise in the leading patterns; `copula` maps every cell's
values to normal scores, season by season, draws leading patterns of the scores that keep their lag-1 correlation, and
maps back: its marginal distributions are the truth's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.climate.gaussian_grid import T31
from .variables import YEAR

if TYPE_CHECKING:
    import xarray as xr

MODES = 60
SEASONS = 4


def linear(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Climatology, regression on the index and patterns of noise."""
    random = np.random.default_rng([seed, 4811])
    raw = _raw(truth)
    angle = 2.0 * np.pi * (truth["day_of_year"].values[:, None] + np.arange(raw.shape[1])) / YEAR
    index = np.broadcast_to(_index(truth)[:, None], angle.shape)
    known = np.stack(
        [np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle), index], -1
    )
    flat = raw.reshape(-1, raw.shape[-1])
    slopes = np.linalg.lstsq(known.reshape(-1, known.shape[-1]), flat, rcond=None)[0]
    mean = (known.reshape(-1, known.shape[-1]) @ slopes).reshape(raw.shape)
    spread = (raw - mean).std((0, 1)) + 1e-9
    drawn = _patterns((raw - mean) / spread, random) * spread + mean
    return _dataset(truth, drawn)


def copula(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Every cell's own distribution by season, over correlated normal scores."""
    from scipy.special import ndtr, ndtri

    random = np.random.default_rng([seed, 4812])
    raw = _raw(truth)
    season = (((truth["day_of_year"].values - 1.0) / YEAR * SEASONS).astype(int)) % SEASONS
    scores = np.empty_like(raw)
    for part in np.unique(season):
        rows = season == part
        values = raw[rows].reshape(-1, raw.shape[-1])
        jitter = values + 1e-6 * random.random(values.shape, dtype="float32")
        order = np.argsort(np.argsort(jitter, axis=0), axis=0)
        scores[rows] = ndtri((order + 0.5) / len(values)).reshape(raw[rows].shape)
    drawn = _patterns(scores, random)
    made = np.empty_like(raw)
    for part in np.unique(season):
        rows = season == part
        values = np.sort(raw[rows].reshape(-1, raw.shape[-1]), axis=0)
        place = np.clip((ndtr(drawn[rows]) * len(values)).astype(int), 0, len(values) - 1)
        flat = place.reshape(-1, raw.shape[-1])
        made[rows] = np.take_along_axis(values, flat, axis=0).reshape(made[rows].shape)
    return _dataset(truth, made)


def _raw(truth: xr.Dataset) -> np.ndarray:
    """(n, day, cells of all variables) float32: temperature, log-pressure, root of rain."""
    fields = [truth["tas"].values, np.log(truth["ps"].values), np.sqrt(np.maximum(truth["pr"].values, 0.0) * 86_400.0)]
    n, days = fields[0].shape[:2]
    return np.concatenate([field.reshape(n, days, -1) for field in fields], axis=-1).astype("float32")


def _index(truth: xr.Dataset) -> np.ndarray:
    from ...physics.climate.enso import nino34

    return nino34(np.nan_to_num(truth["sst_anomaly"].values))


def _patterns(scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draws like scores (n, day, cells): leading patterns, from day to day by their lag-1 correlation, and a rest."""
    n, days, size = scores.shape
    flat = scores.reshape(-1, size)
    root = np.sqrt(np.tile(T31.cell_weights().ravel(), 3)).astype("float32")
    gram = (flat * root) @ (flat * root).T
    values, vectors = np.linalg.eigh(gram)
    kept = min(MODES, len(values) - 1)
    amplitude = vectors[:, -kept:] * np.sqrt(len(flat))
    patterns = amplitude.T @ flat / len(flat)
    series = amplitude.reshape(n, days, kept)
    lag = (series[:, 1:] * series[:, :-1]).mean((0, 1)) if days > 1 else np.zeros(kept)
    lag = np.clip(lag, -0.99, 0.99)
    state = random.standard_normal((n, kept))
    made = np.empty_like(scores)
    rest = np.sqrt(np.maximum(flat.var(0) - (patterns**2).sum(0), 0.0))
    for day in range(days):
        if day:
            state = lag * state + np.sqrt(1.0 - lag**2) * random.standard_normal((n, kept))
        made[:, day] = state @ patterns + rest * random.standard_normal((n, size), dtype="float32")
    return made


def _dataset(truth: xr.Dataset, raw: np.ndarray) -> xr.Dataset:
    import torch

    from ...physics.climate.laws import with_mean_pressure

    n, days = raw.shape[:2]
    fields = raw.reshape(n, days, 3, T31.n_latitude, T31.n_longitude)
    pressure = with_mean_pressure(torch.as_tensor(np.exp(fields[:, :, 1].astype("float64")))).numpy()
    changed = {"tas": fields[:, :, 0], "ps": pressure, "pr": np.maximum(fields[:, :, 2], 0.0) ** 2 / 86_400.0}
    return truth.assign({name: truth[name].copy(data=values.astype("float32")) for name, values in changed.items()})


IMPOSTORS = {"linear": linear, "copula": copula}
