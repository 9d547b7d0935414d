"""Samples weighted, or chosen among candidates, by a learned likelihood ratio of truth to surrogate.

Weighted, every sample stays and carries `weight`, of mean 1. Chosen, each row is one of some candidates drawn at its
own conditions, taken with probability in proportion to their weights (sampling-importance-resampling: Rubin 1988,
Bayesian Statistics 3, 395): rows count alike, and the cost is so many times a plain row's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract.errors import SchemaError, WeightsError
from ..contract.schema import Schema, Variable
from ..models.likelihood_ratio import LikelihoodRatio, effective_share
from ..noise import Noise
from ..release.ratios import RatioCard, load_ratio, ratio_file

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

WEIGHT = Variable("weight", "likelihood ratio of the reference to the surrogate, clipped, of mean 1", dtype="float64")
MOST = 64
"""Candidates of a row."""

_APART = 0x9E3779B97F4A7C15
"""Between the seeds of candidates: 2^64 over the golden ratio."""


def seen(plugin: Plugin, samples: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What a ratio is a function of: the plugin's high-level features, and conditions that are numbers or labels.

    Returns
    -------
    (n, k) float64 and k names
    """
    if plugin.features is None:
        raise WeightsError(f"{plugin.name}: declares no features, and weights of samples are a function of them")
    features, names = plugin.features.high_level(samples)
    columns, told = [np.asarray(features, dtype=np.float64)], list(names)
    for variable in plugin.conditions:
        if variable.dims or np.dtype(variable.dtype).kind in "SU" or variable.name in names:
            continue
        if variable.name not in samples or samples[variable.name].dtype.kind not in "iufb":
            continue
        values = samples[variable.name].values.astype(np.float64)
        if variable.categories is not None:
            columns.append((values[:, None] == np.arange(len(variable.categories))).astype(np.float64))
            told += [f"{variable.name}={label}" for label in variable.categories]
        else:
            columns.append(values[:, None])
            told.append(variable.name)
    return np.concatenate(columns, axis=1), tuple(told)


@dataclass(frozen=True, eq=False)
class Reweighting:
    """A learned ratio, and what is done with it.

    Attributes
    ----------
    plugin : Plugin
    ratio : LikelihoodRatio
    card : RatioCard
    candidates : int
        Rows that one is chosen from; 0 weights every row.
    """

    plugin: Plugin
    ratio: LikelihoodRatio
    card: RatioCard
    candidates: int = 0

    @classmethod
    def open(cls, plugin: Plugin, weights: Path, sha256: str, *, candidates: int = 0) -> Reweighting:
        """The ratio beside `weights`.

        Raises
        ------
        WeightsError
            There is none, or one of other weights.
        SchemaError
            `candidates` that are none or too many.
        """
        whole = not isinstance(candidates, bool) and isinstance(candidates, int)
        if not whole or not (candidates == 0 or 2 <= candidates <= MOST):
            raise SchemaError(f"candidates: {candidates!r} is no number of candidates; expected 2 to {MOST}, or 0")
        ratio, card = load_ratio(ratio_file(weights), sha256=sha256)
        return cls(plugin, ratio, card, candidates)

    def check(self, options: dict[str, Any]) -> None:
        """Raise SchemaError unless samples are drawn with the options that the ratio was learned at."""
        for name, value in options.items():
            if (learned := self.card.options.get(name, value)) != value:
                raise SchemaError(
                    f"{name}: {value!r}; expected {learned!r}, at which weights of samples were fitted, or none of them"
                )

    def weights(self, samples: xr.Dataset) -> np.ndarray:
        """Weights (n,) of samples with their conditions."""
        features, names = seen(self.plugin, samples)
        if names != self.card.features:
            other = sorted(set(names) ^ set(self.card.features))
            raise WeightsError(
                f"{self.plugin.name}: its features have changed ({', '.join(other[:3]) or 'their order'}); "
                f"fit weights of samples again with `surrogates train {self.plugin.name} --reweight`"
            )
        return self.ratio.weights(features)

    def applied(self, draw: Callable[[int], xr.Dataset], seed: int, exact: np.ndarray) -> xr.Dataset:
        """Samples of `seed`, weighted or chosen.

        Parameters
        ----------
        draw : callable
            seed -> samples, at the same conditions every time.
        seed : int
        exact : numpy.ndarray
            (n,) bool, rows that the reference simulated: they weigh 1.
        """
        first = draw(seed)
        if not self.candidates:
            weight = np.where(exact, 1.0, self.weights(first))
            share = effective_share(weight) if weight.any() else 0.0
            made = first.assign(Schema((WEIGHT,)).labelled({WEIGHT.name: weight}))
            return made.assign_attrs(effective_sample_size=share * len(weight), largest_weight=self.card.largest)
        others = [draw((seed + turn * _APART) % (1 << 63)) for turn in range(1, self.candidates)]
        drawn = [first, *others]
        logs = np.log(np.maximum(np.stack([self.weights(one) for one in drawn]), 1e-300))
        uniform = Noise(seed, torch.tensor(first["sample"].values)).uniform(
            (self.candidates,), "chosen among candidates"
        )
        chosen = np.argmax(logs - np.log(-np.log(uniform.double().numpy().T)), axis=0)
        return _taken(drawn, np.where(exact, 0, chosen)).assign_attrs(candidates=self.candidates)


def _taken(drawn: list[xr.Dataset], chosen: np.ndarray) -> xr.Dataset:
    """Row i of the Dataset that `chosen` names; of residuals the largest."""
    made, rows = drawn[0].copy(), np.arange(len(chosen))
    for name, variable in made.data_vars.items():
        if variable.dims[:1] == ("sample",):
            stacked = np.stack([one[name].values for one in drawn])
            made[name] = variable.copy(data=stacked[chosen, rows])
    worst: dict[str, Any] = {}
    for name in made.attrs:
        if str(name).startswith("residual_"):
            worst[str(name)] = max(one.attrs[name] for one in drawn)
    return made.assign_attrs(worst)


def changed(
    current: Reweighting | None, plugin: Plugin, path: Path, sha256: str, options: dict[str, Any]
) -> Reweighting | None:
    """What ``using(reweight=…, candidates=…)`` asks for; both are taken out of `options`."""
    if not {"reweight", "candidates"} & options.keys():
        return current
    candidates = options.pop("candidates", 0)
    wanted = options.pop("reweight", candidates != 0)
    return Reweighting.open(plugin, path, sha256, candidates=candidates) if wanted else None


def checked(surrogate: Any) -> Any:
    """The surrogate, where its sampler options are those that its ratio was learned at."""
    if surrogate.reweighting is not None:
        surrogate.reweighting.check(surrogate.options)
    return surrogate
