"""Small calls computed together: the rows of several callers share the batches of one surrogate.

A row's random draws and conditions are those of its own call. Its slot in the batch is not, so that its outputs agree
with `Surrogate.sample` to rounding; a call that is computed alone has the bits of `Surrogate.sample`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract.schema import gathered
from ..noise import NoiseOfSeveral
from .batches import condition_dtype, torch_threads
from .reference import remarked
from .request import check_limits, check_seed, completed
from .surrogate import Surrogate

if TYPE_CHECKING:
    import xarray as xr

RELATIVE = 1e-3
"""How far a number computed together may stand from that of `sample`, in units of its variable's spread."""

BESIDE = "computed_beside"
"""Attribute: samples of other calls that shared the batch."""


@dataclass(frozen=True)
class Call:
    """A call whose conditions were converted, completed and checked.

    Attributes
    ----------
    conditions : Dataset
        Along `sample`, in schema units.
    arrays : mapping
        The same by name.
    samples : ndarray
        Identities, (n,) int64.
    lengths : mapping
        Of the outputs' dimensions.
    seed : int
    """

    conditions: xr.Dataset
    arrays: Mapping[str, np.ndarray]
    samples: np.ndarray
    lengths: Mapping[str, int]
    seed: int

    @property
    def shape(self) -> tuple[Any, ...]:
        """What calls have in common that may share a batch."""
        fields = tuple((name, array.shape[1:]) for name, array in self.arrays.items())
        return fields, tuple(self.lengths.items())


def call(
    surrogate: Surrogate, n_or_conditions: int | xr.Dataset, *, seed: int, first: int = 0, **conditions: Any
) -> Call:
    """Convert and check what `Surrogate.sample` takes.

    Raises
    ------
    SchemaError
        As `Surrogate.sample` does.
    """
    rows = surrogate._ask(n_or_conditions, conditions, first).whole()
    seed = check_seed(seed)
    rows = completed(surrogate.plugin, surrogate.conditions, rows, seed)
    check_limits(surrogate.plugin.limits, rows)
    held = rows.variables
    arrays = {name: np.asarray(held[name].values) for name in surrogate.conditions.names}
    samples = np.asarray(held["sample"].values, dtype=np.int64)
    return Call(rows, arrays, samples, surrogate.outputs.lengths(rows), seed)


def most_together(surrogate: Surrogate) -> int:
    """Samples of a call that is small enough to be computed with others; 0 where a batch is one sample."""
    return surrogate.batch // 2


def together(surrogate: Surrogate, calls: Sequence[Call]) -> list[xr.Dataset]:
    """Samples of each call, computed in as few batches as hold them.

    Parameters
    ----------
    surrogate : Surrogate
        Within its trained range: no fallback, no extrapolation.
    calls : sequence of Call

    Returns
    -------
    list of Dataset
        In the order of the calls. A numeric output is within `RELATIVE` of its variable's spread of what `sample`
        gives; a label, count or text, which is drawn at a threshold, differs where rounding crosses it.
    """
    found: list[xr.Dataset | None] = [None] * len(calls)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(calls):
        groups.setdefault(one.shape, []).append(place)
    for places in groups.values():
        for chosen in _cut(places, [len(calls[place].samples) for place in places], surrogate.batch):
            for place, data in zip(chosen, _batch(surrogate, [calls[place] for place in chosen]), strict=True):
                found[place] = data
    return [data for data in found if data is not None]


def _cut(places: Sequence[int], sizes: Sequence[int], most: int) -> list[list[int]]:
    """Places in groups of at most `most` samples, or of one call."""
    groups: list[list[int]] = []
    held = most
    for place, size in zip(places, sizes, strict=True):
        if held + size > most:
            groups.append([])
            held = 0
        groups[-1].append(place)
        held += size
    return groups


def _batch(surrogate: Surrogate, calls: Sequence[Call]) -> list[xr.Dataset]:
    if len(calls) == 1:
        (one,) = calls
        arrays, residuals = surrogate._generate(one.arrays, one.samples, one.lengths, one.seed)
        return [_dataset(surrogate, one, arrays, residuals, 0)]
    schema, plugin = surrogate.conditions, surrogate.plugin
    ends = np.cumsum([len(one.samples) for one in calls])
    whole = {name: np.concatenate([one.arrays[name] for one in calls]) for name in schema.names}
    identities = torch.tensor(np.concatenate([one.samples for one in calls]), device=surrogate.device)
    seeds = [one.seed for one in calls for _ in range(len(one.samples))]
    asked = {
        name: torch.tensor(array, dtype=condition_dtype(schema[name]), device=surrogate.device)
        for name, array in whole.items()
    }
    with torch.no_grad(), torch_threads(surrogate.threads):
        encoded = surrogate.model.sample(surrogate.codec.encode(asked), NoiseOfSeveral(seeds, identities))
        outputs = surrogate.codec.decode(encoded, asked)
        residuals = {
            f"residual_{law.name}": law.residual(outputs, asked).abs().cpu().numpy() for law in plugin.constraints
        }
    arrays = {
        variable.name: np.empty((len(seeds), *(calls[0].lengths[name] for name in variable.dims)), variable.dtype)
        for variable in surrogate.outputs
    }
    surrogate._store(outputs, arrays, slice(None), slice(None))
    found = []
    for one, end in zip(calls, ends, strict=True):
        rows = slice(end - len(one.samples), end)
        own = {name: array[rows] for name, array in arrays.items()}
        worst = {name: float(values[rows].max()) if len(one.samples) else 0.0 for name, values in residuals.items()}
        found.append(_dataset(surrogate, one, own, worst, len(seeds) - len(one.samples)))
    return found


def _dataset(
    surrogate: Surrogate, one: Call, arrays: dict[str, np.ndarray], residuals: dict[str, float], beside: int
) -> xr.Dataset:
    held, plugin = one.conditions.variables, surrogate.plugin
    data = {name: held[name] for name in surrogate.conditions.names} | surrogate.outputs.labelled(arrays)
    places = plugin.conditions.coordinates() | plugin.outputs.coordinates()
    attrs = {**surrogate._attrs(one.seed), **({BESIDE: beside} if beside else {}), **residuals}
    return remarked(plugin, gathered(data, one.samples, attrs, places))
