"""Sample in several processes: each computes whole batches, and the result is that of one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from ..contract.errors import SchemaError, SurrogatesError
from .request import ask, check_block, check_seed
from .workers import pool

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.simulator import Opened

_SIMULATOR: Any = None


def stream_parallel(
    simulator: Opened,
    n_or_conditions: int | xr.Dataset,
    *,
    seed: int,
    workers: int,
    block: int | None = None,
    first: int = 0,
    **conditions: Any,
) -> Iterator[xr.Dataset]:
    """Blocks of samples in order, each computed by one of several spawned processes.

    Parameters
    ----------
    simulator : Surrogate or ReferenceSimulator
        Opened anew in each process, with one torch thread where it names no number.
    workers : int
        Processes.
    block : int, optional
        Samples at a time, rounded up to whole batches; eight batches by default.
    n_or_conditions, seed, first, **conditions
        As for `Surrogate.sample`.

    Raises
    ------
    SchemaError
        As `sample` does, before any process starts.
    SurrogatesError
        A process was killed.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SchemaError(f"workers: {workers!r} is not a number of processes; expected an integer, 1 or more")
    batch = simulator.batch
    size = check_block(8 * batch if block is None and batch > 1 else 1024 if block is None else block)
    size = -(-size // batch) * batch
    seed = check_seed(seed)
    if workers == 1:
        yield from simulator.stream(n_or_conditions, seed=seed, block=size, first=first, **conditions)
        return
    request = ask(simulator.conditions, n_or_conditions, conditions, first=first, outputs=simulator.outputs)
    request.check(bounded=simulator.fallback is None and not simulator.extrapolate)
    with pool(workers, _open, simulator) as processes:
        waiting: deque[Future[xr.Dataset]] = deque()
        try:
            for rows in request.blocks(size):
                waiting.append(processes.submit(_sample, rows, seed))
                if len(waiting) > workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise SurrogatesError(
                "workers: a sampling process ended early (out of memory?); use fewer workers"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def sample_parallel(
    simulator: Opened, n_or_conditions: int | xr.Dataset, *, seed: int, workers: int, first: int = 0, **conditions: Any
) -> xr.Dataset:
    """Samples of several spawned processes, equal to what `simulator.sample` returns; see `stream_parallel`."""
    blocks = stream_parallel(simulator, n_or_conditions, seed=seed, workers=workers, first=first, **conditions)
    return joined(list(blocks))


def joined(blocks: list[xr.Dataset]) -> xr.Dataset:
    """One Dataset of consecutive blocks, with the largest of each block's residuals."""
    import xarray as xr

    attrs = dict(blocks[0].attrs)
    for name in attrs:
        if str(name).startswith("residual_"):
            attrs[name] = max(block.attrs[name] for block in blocks)
    whole = xr.concat(blocks, dim="sample", data_vars="all", coords="minimal", compat="override", join="exact")
    return whole.assign_attrs(attrs)


def _open(simulator: Opened) -> None:
    global _SIMULATOR
    _SIMULATOR = simulator
    if simulator.card is not None and simulator.threads is None:
        import torch

        torch.set_num_threads(1)


def _sample(conditions: xr.Dataset, seed: int) -> xr.Dataset:
    return next(_SIMULATOR.stream(conditions, seed=seed, block=max(1, conditions.sizes["sample"])))
