"""Work done by the workers of a Dask scheduler that is there already: ``--scheduler tcp://HOST:8786``.

Each file is a task. A worker writes it under a temporary name and renames it; the scheduler gives the task of a worker
that died to another. Before the first task every worker is asked for what the files depend on (versions, weights, torch
build, instruction set, the folder itself), and again before its own first task, as workers come and go.
"""

from __future__ import annotations

import json
import logging
import pickle
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import SurrogatesError
from ..provenance import package_version

if TYPE_CHECKING:
    from distributed import Client

    from .work import Work

CONNECTING = 30.0
"""Seconds until a scheduler that does not answer is given up."""

WAITING = 120.0
"""Seconds that a scheduler may be without workers at the beginning."""

SETTLING = 120.0
"""Seconds that a shared file system may take to show here what was written elsewhere."""

MACHINE = ("processor", "python", "device", "torch_build", "instruction_set")
"""Facts in which workers must agree with one another; in all others they must agree with this process."""

_ADDRESS = re.compile(r"(tcp|tls)://\S+:\d+")
_FOLDER = "folder"
_FAILED = "failed"

_ALONE = ThreadPoolExecutor(1, "surrogates")
"""The one thread of a worker that works, whatever the number of its own. Dask's profiler holds the frames of its own
threads, and with them handles of HDF5 objects; HDF5 uses the space of a replaced object again once its last handle is
gone, so that the same values would lie elsewhere in the file."""


class SchedulerError(SurrogatesError):
    """A scheduler that cannot be reached, or workers that cannot do the work as this process would."""


def on_scheduler(
    work: Work,
    items: Sequence[Any],
    *,
    scheduler: str,
    on_result: Callable[[Any], None] = lambda result: None,
    on_count: Callable[[int], None] = lambda count: None,
) -> None:
    """Have each item done as a task of a Dask scheduler.

    Parameters
    ----------
    work : Work
        Its paths are absolute.
    items : sequence
        Those that are to be done; in whatever order they end, the files are the same.
    scheduler : str
        ``tcp://HOST:PORT``, ``tls://HOST:PORT`` (certificates as Dask's configuration says), or a scheduler file
        (``.json``).
    on_result, on_count : callable
        As for :func:`surrogates.sampling.engines.done_by`.

    Raises
    ------
    SchedulerError
        No scheduler or no worker there; a worker without the package, with other versions or weights than here, on
        another kind of machine than the rest, or without the folder; a task that ended several workers.
    """
    if not items:
        return
    payload = pickle.dumps(work)
    with _connected(scheduler) as client:
        machine = _agreed(client, payload, work)
        expected = {**_own(work), **machine}
        sent = client.submit(_same, payload, pure=False)  # a result, not scattered data: it outlives its worker
        name = f"{work.name} {work.lock.token[:8]}"
        futures = client.map(
            _do, list(items), key=[f"{name} {number}" for number in range(len(items))], payload=sent, expected=expected
        )
        for count, future in enumerate(_ended(client, futures), start=1):
            on_result(_result(future, work))
            future.release()
            on_count(count)
    _settle(work, items)
    work.tidy()


def number_of_workers(scheduler: str) -> int:
    """Workers of a scheduler, one at the least.

    Raises
    ------
    SchedulerError
        No scheduler or no worker there.
    """
    with _connected(scheduler) as client:
        return len(_workers(client))


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    is_file = scheduler.endswith(".json")
    if not is_file and not _ADDRESS.fullmatch(scheduler):
        raise SchedulerError(
            f"scheduler: {scheduler!r} is no address; expected tcp://HOST:PORT, tls://HOST:PORT or a scheduler file "
            "(.json) of a Dask scheduler that runs"
        )
    if is_file and not Path(scheduler).is_file():
        raise SchedulerError(f"scheduler: {scheduler}: no such file; expected the --scheduler-file of `dask scheduler`")
    if is_file:
        _check_scheduler_file(Path(scheduler))
    import distributed

    if scheduler.startswith("tls://"):
        _check_certificates(scheduler)
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.utils", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said in one line
    where: dict[str, Any] = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    try:
        client = distributed.Client(**where, timeout=CONNECTING, set_as_default=False, name="surrogates")
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SchedulerError(
            f"scheduler: {scheduler} does not answer within {CONNECTING:.0f} s ({reason}); start `dask scheduler` and "
            "`dask worker`, or mend the address"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=5)


def _check_scheduler_file(path: Path) -> None:
    """Refuse a file in which Dask would look for an address in vain, for as long as it waits for an answer."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        address = found.get("address") if isinstance(found, dict) else None
    except (OSError, ValueError):
        address = None
    if not isinstance(address, str):
        raise SchedulerError(f"scheduler: {path} holds no address; expected the --scheduler-file of `dask scheduler`")


def _check_certificates(scheduler: str) -> None:
    """Refuse a call that Dask's configuration has no certificates for."""
    import dask.config

    for name in ("ca-file", "client.cert", "client.key"):
        given = dask.config.get(f"distributed.comm.tls.{name}", None)
        variable = "DASK_DISTRIBUTED__COMM__TLS__" + name.upper().replace(".", "__").replace("-", "_")
        if given is None and name != "client.key":  # a key may stand in the certificate's file
            raise SchedulerError(
                f"scheduler: {scheduler} takes no call without a certificate, and Dask's configuration has no "
                f"distributed.comm.tls.{name}; set {variable} to a file"
            )
        if given is not None and "\n" not in str(given) and not Path(given).is_file():
            raise SchedulerError(f"scheduler: {variable} is {given}: no such file; expected a file in PEM format")


def _agreed(client: Client, payload: bytes, work: Work) -> dict[str, Any]:
    """What the workers' machines are, once all were found to be alike."""
    _workers(client)

    def look(payload: bytes) -> dict[str, Any]:  # sent by value: a worker without the package can say so
        try:
            from surrogates.sampling.scheduler import facts
        except ImportError as error:
            return {"failed": f"{error}; install surrogates there"}
        return facts(payload)

    found: Any = client.run(look, payload, on_error="return")
    own, machine, first = _own(work), {}, ""
    for worker in sorted(found):
        there = found[worker]
        if isinstance(there, BaseException):  # it left meanwhile; whoever comes is asked before its first task
            continue
        _compare(worker, there, own, work)
        if not first:
            first, machine = worker, {name: there[name] for name in MACHINE if name in there}
        _compare(worker, there, machine, work, f"that of {first}")
    return machine


def _workers(client: Client) -> Sequence[str]:
    """Addresses of the workers, once there are any."""
    deadline = time.monotonic() + WAITING
    while not (there := client.scheduler_info(n_workers=-1)["workers"]):
        if time.monotonic() > deadline:
            raise SchedulerError(f"scheduler: it has had no workers for {WAITING:.0f} s; start `dask worker`")
        time.sleep(0.2)
    return list(there)


def _own(work: Work) -> dict[str, Any]:
    """What a worker must share with this process."""
    here = {"surrogates_version": package_version("surrogates"), **work.facts(), _FOLDER: True}
    return {name: value for name, value in here.items() if name not in MACHINE}


def facts(payload: bytes) -> dict[str, Any]:
    """What the files of a work depend on in this process, a worker; with why it cannot do it where it cannot."""
    found: dict[str, Any] = {"surrogates_version": package_version("surrogates")}
    try:
        work = _opened(payload)
        return {**found, **work.facts(), _FOLDER: work.lock.held()}
    except Exception as error:
        return {**found, _FAILED: f"{type(error).__name__}: {error}"}


def _compare(
    worker: str, there: Mapping[str, Any], expected: Mapping[str, Any], work: Work, whose: str = "that of this run"
) -> None:
    for name in sorted(expected, key=lambda name: name != "surrogates_version"):
        if _FAILED in there and (name != "surrogates_version" or name not in there):
            reason = " ".join(str(there[_FAILED]).split())
            raise SchedulerError(f"scheduler: worker {worker} cannot do the work ({reason})")
        if there.get(name) == expected[name]:
            continue
        if name == _FOLDER:
            raise SchedulerError(
                f"scheduler: worker {worker} does not see {work.lock.path.parent}; give a folder on a file system that "
                "all workers share"
            )
        advice = (
            "have workers of one kind, or set ATEN_CPU_CAPABILITY=avx2 for all" if name in MACHINE else "install one"
        )
        raise SchedulerError(
            f"scheduler: worker {worker} has {name} {there.get(name)!r}, {whose} is {expected[name]!r}; equal bits, "
            f"which a manifest promises, need the same: {advice}"
        )


def _same(payload: bytes) -> bytes:
    return payload


@lru_cache(maxsize=2)
def _opened(payload: bytes) -> Work:
    return pickle.loads(payload)


@lru_cache(maxsize=2)
def _facts_once(payload: bytes) -> dict[str, Any]:
    return facts(payload)


def _do(item: Any, *, payload: bytes, expected: dict[str, Any]) -> Any:
    """Do one item in this process, a worker."""
    from distributed import get_worker

    return _ALONE.submit(_do_alone, item, payload, expected, get_worker().address).result()


def _do_alone(item: Any, payload: bytes, expected: dict[str, Any], worker: str) -> Any:
    work = _opened(payload)
    _compare(worker, _facts_once(payload), expected, work, "that of this run or its other workers")
    work.lock.check()
    return work.do([item])


def _ended(client: Client, futures: list[Any]) -> Iterator[Any]:
    from distributed import as_completed

    yield from as_completed(futures, loop=client.loop)


def _result(future: Any, work: Work) -> Any:
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    gone = SchedulerError("scheduler: it went away; what was written is whole, go on with --resume")
    if future.status in ("cancelled", "lost"):
        raise gone
    try:  # what a finished future holds is still with its worker, and is asked of the scheduler
        error = future.exception()
        if error is None:
            return future.result()
    except CommClosedError:
        raise gone from None
    if isinstance(error, KilledWorker):
        raise SchedulerError(
            f"scheduler: a part ended {error.allowed_failures + 1} workers that were {work.name} it (out of memory?); "
            "give workers more memory or smaller parts, and go on with --resume"
        ) from None
    if isinstance(error, ImportError):
        raise SchedulerError(f"scheduler: a worker lacks what the work needs ({error}); install it there") from None
    raise error


def _settle(work: Work, items: Sequence[Any]) -> None:
    """Wait until a shared file system shows here what workers on other machines wrote."""
    deadline = time.monotonic() + SETTLING
    while missing := work.missing(items):
        if time.monotonic() > deadline:
            raise SchedulerError(
                f"scheduler: {len(missing)} of {len(items)} files that workers wrote do not show in "
                f"{work.lock.path.parent} after {SETTLING:.0f} s; go on with --resume"
            )
        time.sleep(0.5)
