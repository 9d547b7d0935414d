"""What is to be sampled: a simulator, conditions, a seed, and which share of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..provenance import versions
from .request import ask
from .tables import others, with_others

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.simulator import Opened


@dataclass(frozen=True)
class Job:
    """What is to be sampled.

    Attributes
    ----------
    plugin : Plugin
    simulator : Surrogate or ReferenceSimulator
    what : int or xarray.Dataset
        A number of samples, or rows of conditions.
    values : mapping
        Conditions by name, with a number.
    seed, first : int
    block : int, optional
        Samples in memory at a time.
    workers : int
        Processes.
    scheduler : str, optional
        Of a Dask cluster, whose workers write the parts of a folder.
    shard : (int, int)
        The i-th of n shares, counted from 1.
    """

    plugin: Plugin
    simulator: Opened
    what: int | xr.Dataset
    values: Mapping[str, Any]
    seed: int
    first: int = 0
    block: int | None = None
    workers: int = 1
    scheduler: str | None = None
    shard: tuple[int, int] = (1, 1)

    @property
    def size(self) -> int:
        """Samples of the whole run."""
        return self.what if isinstance(self.what, int) else int(self.what.sizes["sample"])

    @property
    def share_size(self) -> int:
        """Samples of this share of the run, about."""
        start, stop = self.share
        return stop - start

    @property
    def share(self) -> tuple[int, int]:
        """First and last-plus-one sample of this share, cut at whole batches so that the bits stay the same."""
        batch = self.simulator.batch
        batches = -(-self.size // batch)
        index, count = self.shard
        start, stop = ((batches * part // count) * batch for part in (index - 1, index))
        return min(start, self.size), min(stop, self.size)

    def blocks(self, start: int, stop: int) -> Iterator[xr.Dataset]:
        """Blocks of the samples `start` to `stop`, with what comes along; an empty block where there is none."""
        return with_others(self._sampled(start, stop), self.what, self.simulator.conditions, start)

    def _sampled(self, start: int, stop: int) -> Iterator[xr.Dataset]:
        from .parallel import stream_parallel

        first: dict[str, Any] = {"first": self.first + start} if isinstance(self.what, int) else {}
        what = stop - start
        if not isinstance(self.what, int):
            what = self.what.drop_vars(others(self.what, self.simulator.conditions)).isel(sample=slice(start, stop))
        options: dict[str, Any] = {} if self.block is None else {"block": self.block}
        if self.workers > 1:
            return stream_parallel(
                self.simulator, what, seed=self.seed, workers=self.workers, **options, **first, **self.values
            )
        return self.simulator.stream(what, seed=self.seed, **options, **first, **self.values)

    def provenance(self, part_size: int, compression: str) -> dict[str, Any]:
        """What made the samples of a folder, every setting that their bytes depend on; its writers must agree on it."""
        card = self.simulator.card
        return {
            "plugin": self.plugin.name,
            "recipe": card.recipe if card is not None else "reference",
            "weights_sha256": card.sha256 if card is not None else None,
            "batch_size": self.simulator.batch if card is not None else None,
            "threads": self.simulator.threads,
            "extrapolate": self.simulator.extrapolate,
            "fallback": "reference" if self.simulator.fallback is not None else None,
            "options": dict(self.simulator.options),
            "samples": self.size,
            "first": self.first,
            "seed": self.seed,
            "part_size": part_size,
            "compression": compression,
            "conditions": self._conditions(),
            **versions(self.plugin),
        }

    def _conditions(self) -> dict[str, Any]:
        """The conditions in schema units, however they were written; many values as their SHA-256."""
        if not isinstance(self.what, int):
            columns = {str(name): self.what[name].values for name in self.what.variables}
            return {"table_sha256": _digest(columns)}
        asked = ask(self.simulator.conditions, self.what, self.values, first=self.first).values or {}
        return {name: _listed(values) for name, values in asked.items()}


def _listed(values: np.ndarray) -> Any:
    """A few values as JSON holds them (None where nothing is asked), many as their SHA-256."""
    if values.size > 16:
        return {"sha256": _digest({"values": values})}
    listed = values.astype(object)
    listed[values != values] = None
    return listed.tolist()


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
