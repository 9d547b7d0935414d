"""Work that writes whole files, done by several processes of this machine or by the workers of a cluster.

The files do not depend on who wrote them or in which order, and nothing but sums comes back; a process that ends early
has its work done again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..contract.errors import SurrogatesError
from .work import Work
from .workers import pool


def done_by(
    work: Work,
    items: Sequence[Any],
    *,
    workers: int,
    scheduler: str | None,
    on_result: Callable[[Any], None] = lambda result: None,
    on_count: Callable[[int], None] = lambda count: None,
) -> None:
    """Have work done by processes of this machine, or by the workers of a Dask scheduler where one is named.

    Parameters
    ----------
    work : Work
    items : sequence
    workers : int
        Processes of this machine.
    scheduler : str, optional
        Address; see :mod:`surrogates.sampling.scheduler`.
    on_result : callable
        Called with what `Work.do` returns, once for each process or task.
    on_count : callable
        Called now and then with the number of items written since the beginning.

    Raises
    ------
    SurrogatesError
        Processes end early again and again, or the cluster cannot do the work.
    """
    if scheduler is None:
        return _in_processes(work, items, workers, on_result, on_count)
    from .scheduler import on_scheduler

    on_scheduler(work, work.missing(items), scheduler=scheduler, on_result=on_result, on_count=on_count)


def _in_processes(
    work: Work,
    items: Sequence[Any],
    workers: int,
    on_result: Callable[[Any], None],
    on_count: Callable[[int], None],
) -> None:
    """Let each of several spawned processes do every `workers`-th item; see `done_by`.

    Where a process ends early, what it had not finished is done again, as long as files are added.
    """
    left = len(work.missing(items))
    begun = left
    while True:
        with pool(workers) as processes:
            futures = [processes.submit(work.do, items[number::workers]) for number in range(workers)]
            try:
                while wait(futures, timeout=1.0, return_when=FIRST_EXCEPTION).not_done:
                    if any(future.done() and future.exception() for future in futures):
                        break
                    on_count(begun - len(work.missing(items)))
                for future in futures:
                    on_result(future.result())
                return
            except BrokenProcessPool:
                processes.shutdown()
                work.tidy()
                before, left = left, len(work.missing(items))
                if left == before:
                    raise SurrogatesError(
                        f"workers: a process that was {work.name} ended early (out of memory?), {len(items) - left} of "
                        f"{len(items)} parts are there; go on with --resume and fewer --workers"
                    ) from None
                warnings.warn(f"a process that was {work.name} ended early; its part is done again", stacklevel=2)
            except BaseException:
                for process in list((processes._processes or {}).values()):
                    process.terminate()
                raise
