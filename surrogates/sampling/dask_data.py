"""Samples within Dask: a bag, an array or delayed Datasets that are drawn where they are used.

>>> import surrogates
>>> muons = surrogates.as_dask_bag(surrogates.load("muon-decay"), 10**6, seed=1, polarisation=0.5, muon_momentum=3.0)
>>> muons.pluck("positron_energy").mean().compute()

Sample i is the same in whatever partition and on whatever worker it is drawn, at equal batch size, torch build and
instruction set. Within one process one partition is drawn at a time: use processes or a cluster for more.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError
from .request import check_block, check_seed

if TYPE_CHECKING:
    import dask.array
    import dask.bag
    import xarray as xr
    from dask.delayed import Delayed

    from ..contract.simulator import Opened

PARTITION = 1 << 16
"""Samples in each partition, or a little more."""

_ONE_AT_A_TIME = threading.Lock()


def as_dask_delayed(
    simulator: Opened,
    n_or_conditions: int | xr.Dataset,
    *,
    seed: int,
    first: int = 0,
    partition: int | None = None,
    **conditions: Any,
) -> list[Delayed]:
    """Datasets of consecutive samples, each drawn when it is computed.

    Parameters
    ----------
    simulator : Surrogate or ReferenceSimulator
        Opened once in each process that draws; the workers need the same package and weights.
    n_or_conditions, seed, first, **conditions
        As for `Surrogate.sample`.
    partition : int, optional
        Samples in each, rounded up to whole batches.

    Returns
    -------
    list of Delayed
        Each gives an xarray.Dataset.
    """
    from dask.delayed import delayed

    payload = delayed(pickle.dumps(simulator), name=False)
    draw = delayed(_draw, pure=False)
    made = []
    for start, stop in _cuts(simulator, n_or_conditions, partition):
        asked: Any = stop - start
        place = {"first": first + start}
        if not isinstance(n_or_conditions, int):
            asked, place = n_or_conditions.isel(sample=slice(start, stop)), {}
        made.append(draw(payload, asked, seed=check_seed(seed), **place, **conditions))
    return made


def as_dask_bag(simulator: Opened, n_or_conditions: int | xr.Dataset, *, seed: int, **options: Any) -> dask.bag.Bag:
    """A bag with a dictionary a sample: its identity as `sample`, conditions and outputs; see `as_dask_delayed`."""
    import dask.bag
    from dask.delayed import delayed

    parts = as_dask_delayed(simulator, n_or_conditions, seed=seed, **options)
    return dask.bag.from_delayed([delayed(_records)(part) for part in parts])


def as_dask_array(
    simulator: Opened, variable: str, n_or_conditions: int | xr.Dataset, *, seed: int, **options: Any
) -> dask.array.Array:
    """One output or condition as an array along the samples, a chunk each partition; see `as_dask_delayed`.

    Parameters
    ----------
    variable : str
        Of one shape for all samples.

    Raises
    ------
    SchemaError
        A variable that the simulator does not have; in computing, one that is longer in some partition than in the
        first sample.
    """
    import dask.array
    from dask.delayed import delayed

    known = (*simulator.conditions.names, *simulator.outputs.names)
    if variable not in known:
        raise SchemaError.about("variable", variable, f"one of {', '.join(known)}")
    parts = as_dask_delayed(simulator, n_or_conditions, seed=seed, **options)
    partition = options.pop("partition", None)
    one = n_or_conditions if isinstance(n_or_conditions, int) else n_or_conditions.isel(sample=slice(0, 1))
    like = simulator.sample(min(one, 1) if isinstance(one, int) else one, seed=seed, **options)[variable]
    cuts = _cuts(simulator, n_or_conditions, partition)
    chunks = []
    for part, (start, stop) in zip(parts, cuts, strict=True):
        shape = (stop - start, *like.shape[1:])
        chunks.append(dask.array.from_delayed(delayed(_values)(part, variable, shape), shape, like.dtype))
    return dask.array.concatenate(chunks)


def _cuts(simulator: Opened, n_or_conditions: int | xr.Dataset, partition: int | None) -> Iterator[tuple[int, int]]:
    size = n_or_conditions if isinstance(n_or_conditions, int) else int(n_or_conditions.sizes["sample"])
    step = -(-check_block(partition or PARTITION) // simulator.batch) * simulator.batch
    for start in range(0, max(size, 1), step):
        yield start, min(start + step, size)


@lru_cache(maxsize=4)
def _simulator(payload: bytes) -> Any:
    return pickle.loads(payload)


def _draw(payload: bytes, asked: int | xr.Dataset, **options: Any) -> xr.Dataset:
    with _ONE_AT_A_TIME:
        return _simulator(payload).sample(asked, **options)


def _records(samples: xr.Dataset) -> list[dict[str, Any]]:
    names = [str(name) for name in ("sample", *samples.data_vars)]
    columns = [samples[name].values for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(samples: xr.Dataset, variable: str, shape: tuple[int, ...]) -> np.ndarray:
    found = samples[variable].values
    if found.shape != shape:
        raise SchemaError.about(variable, f"shape {found.shape}", f"{shape}, as in the first sample; use a bag")
    return found
