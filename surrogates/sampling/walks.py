"""Samples between samples: noise and conditions mixed from those of several, for walks, arithmetic and augmentation.

Where the noise of a sample i is z_i, standard normal, a sample of weights w_i has sum w_i z_i over the root of
sum w_i^2, which is standard normal too: on the way from one to another cos(a) z_1 + sin(a) z_2, a from 0 to pi / 2,
what spherical interpolation comes to in many dimensions (White 2016, arXiv:1609.04468). Unlike it the law is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract.errors import SchemaError, SurrogatesError
from ..contract.schema import gathered
from ..noise import MixedNoise, Noise, SeedOfSeveral
from .batches import Way, condition_dtype
from .reference import remarked
from .request import check_limits, check_seed
from .together import Call, call

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.recipe import Tensors
    from .surrogate import Surrogate


def between(
    surrogate: Surrogate,
    first: xr.Dataset,
    last: xr.Dataset | None = None,
    *,
    fractions: np.ndarray,
    seed: int,
    others: np.ndarray | None = None,
) -> xr.Dataset:
    """Draw samples on the way from some to others.

    Parameters
    ----------
    surrogate : Surrogate
    first : Dataset
        A row of conditions for each sample, whose `sample` coordinate is the identity where the way begins.
    last : Dataset, optional
        The same where it ends; the conditions of `first` throughout where it is left out.
    fractions : ndarray
        Of the way, (n,) from 0 to 1.
    seed : int
    others : ndarray, optional
        Identities where the way ends, (n,) int64, in place of those of `last`.

    Returns
    -------
    Dataset
        As `surrogate.sample` gives it, `sample` counting from 0. At 0 and at 1 a row is, to rounding, the sample of
        that end. Conditions that are numbers are mixed, labels and whole numbers are those of the nearer end; what
        the model is told is mixed throughout, so that half-way between two labels it is told half of each. Of a plugin
        whose conditions have joint limits, which a mixture may break, all conditions are those of the nearer end.

    Raises
    ------
    SchemaError
        As `surrogate.sample`; fractions that do not lie within 0 and 1.
    SurrogatesError
        A model that draws nothing, or keys draws of its own.
    """
    ends = [first, first if last is None else last]
    if others is not None:
        ends[1] = ends[1].assign_coords(sample=np.asarray(others, dtype=np.int64))
    share = np.asarray(fractions, dtype=np.float64)
    if share.shape != (first.sizes["sample"],) or not np.all((share >= 0.0) & (share <= 1.0)):
        raise SchemaError.about("fractions", f"{fractions!r}", "one from 0 to 1 for each row", value=fractions)
    weights = np.stack((np.where(share == 1.0, 0.0, np.cos(0.5 * np.pi * share)), np.sin(0.5 * np.pi * share)), axis=1)
    return mixed(surrogate, ends, weights=weights, shares=np.stack((1.0 - share, share), axis=1), seed=seed)


def mixed(
    surrogate: Surrogate, parts: list[xr.Dataset], *, weights: np.ndarray, shares: np.ndarray, seed: int
) -> xr.Dataset:
    """Draw samples that are mixed from others; see `between`.

    Parameters
    ----------
    surrogate : Surrogate
    parts : list of Dataset
        k times a row of conditions for each of n samples, with the identities that they are mixed from.
    weights : ndarray
        Of each part in the noise, (n, k), also below 0; brought to a sum of squares of 1.
    shares : ndarray
        Of each part in the conditions, (n, k), summing to 1 in each row.
    seed : int

    Raises
    ------
    SchemaError, SurrogatesError
        As `between`.
    """
    name, seed = f"{surrogate.plugin.name}/{surrogate.card.recipe}", check_seed(seed)
    if not surrogate.plugin.stochastic:
        raise SurrogatesError(f"{name}: draws nothing, so that nothing lies between its samples")
    calls = [call(surrogate, rows, seed=seed) for rows in parts]
    if surrogate.plugin.limits:
        shares = np.eye(len(parts))[shares.argmax(axis=1)]
    arrays = {
        key: _shared([one.arrays[key] for one in calls], shares, whole=_whole(surrogate, key))
        for key in surrogate.conditions.names
    }
    conditions = surrogate.conditions.dataset(arrays, np.arange(len(shares)))
    check_limits(surrogate.plugin.limits, conditions)
    try:
        made, residuals = surrogate._generate(
            arrays,
            conditions["sample"].values,
            surrogate.outputs.lengths(conditions),
            seed,
            _way(surrogate, calls, weights, shares, seed),
        )
    except SeedOfSeveral:
        raise SurrogatesError(f"{name}: keys draws of its own by the seed, so that none can be mixed") from None
    held = conditions.variables
    data = {key: held[key] for key in surrogate.conditions.names} | surrogate.outputs.labelled(made)
    places = surrogate.plugin.conditions.coordinates() | surrogate.plugin.outputs.coordinates()
    attrs = {**surrogate._attrs(seed), **residuals}
    return remarked(surrogate.plugin, gathered(data, held["sample"].values, attrs, places))


def _whole(surrogate: Surrogate, name: str) -> bool:
    """Whether a condition cannot be mixed."""
    return condition_dtype(surrogate.conditions[name]) == torch.int64


def _shared(values: list[np.ndarray], shares: np.ndarray, *, whole: bool) -> np.ndarray:
    """Numbers (n, …) in their shares; of whole ones, and of what is missing in a part, those of the largest share."""
    if any(part.shape != values[0].shape for part in values):
        raise SchemaError.about("conditions", "fields of several sizes", "one size for all that are mixed")
    stacked = np.stack(values)
    nearest = stacked[shares.argmax(axis=1), np.arange(len(shares))]
    if whole:
        return nearest
    spread = shares.T.reshape(*shares.T.shape, *([1] * (stacked.ndim - 2)))
    sums = np.where(spread == 0.0, 0.0, spread * stacked).sum(axis=0)
    return np.where(np.isnan(sums), nearest, sums)


def _way(surrogate: Surrogate, calls: list[Call], weights: np.ndarray, shares: np.ndarray, seed: int) -> Way:
    device = surrogate.device
    identities = torch.tensor(np.stack([one.samples for one in calls], axis=1))

    def at(given: Tensors, rows: Any) -> tuple[Tensors, Noise]:
        encoded = []
        for one in calls:
            physical = {
                key: torch.tensor(array[rows], dtype=condition_dtype(surrogate.conditions[key]), device=device)
                for key, array in one.arrays.items()
            }
            encoded.append(surrogate.codec.encode(physical))
        told = dict(given)
        for key, tensor in given.items():
            if tensor.is_floating_point() and key not in surrogate.conditions.names:
                told[key] = torch.as_tensor(
                    _shared([part[key].double().cpu().numpy() for part in encoded], shares[rows], whole=False)
                ).to(tensor)
        places = torch.arange(len(shares))[rows]
        own = torch.tensor(weights[rows])
        return told, MixedNoise(seed, identities[rows].to(device), own.to(device), places.to(device))

    return at
