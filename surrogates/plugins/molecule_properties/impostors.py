"""Cheap fakes of molecular properties, made from the truth, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .variables import COVERAGE, LEARNED, SIMULATED

if TYPE_CHECKING:
    import xarray as xr


def constant_mean(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Each molecule gets the mean of each property, and an interval that holds nine tenths of all molecules."""
    del seed
    return _predicted(truth, np.ones((truth.sizes["sample"], 1)))


def by_weight(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Each property is the straight line in molecular weight that fits the truth best."""
    del seed
    weight = np.nan_to_num(truth["molecular_weight"].values)
    return _predicted(truth, np.stack((np.ones_like(weight), weight), axis=1))


def certain(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Right values moved by a tenth of their spread, with intervals of no width: too sure of itself."""
    generator = np.random.default_rng([seed, 31])
    changed = {}
    for name in SIMULATED:
        values = truth[name].values
        values = np.maximum(values + 0.1 * np.nanstd(values) * generator.standard_normal(len(values)), 0.0)
        changed |= {f"{name}{end}": truth[name].copy(data=values) for end in ("", "_low", "_high")}
    return truth.assign(changed)


def _predicted(truth: xr.Dataset, inputs: np.ndarray) -> xr.Dataset:
    """Least-squares predictions of the learned properties from inputs (n, k); intervals from the residuals."""
    changed = {}
    for name in LEARNED:
        values = truth[name].values
        known = np.isfinite(values)
        fit, *_ = np.linalg.lstsq(inputs[known], values[known], rcond=None)
        line = np.where(known, inputs @ fit, np.nan)
        changed[name] = truth[name].copy(data=line)
        if name in SIMULATED:
            width = np.quantile(np.abs(values - line)[known], COVERAGE)
            changed[f"{name}_low"] = truth[name].copy(data=np.maximum(line - width, 0.0))
            changed[f"{name}_high"] = truth[name].copy(data=line + width)
    return truth.assign(changed)


IMPOSTORS = {"constant mean": constant_mean, "line in molecular weight": by_weight, "too sure": certain}
"""Name -> maker of the domain's own impostors."""
