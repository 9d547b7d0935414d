"""Reference simulators in processes of their own: one request a process at a time, ended when nobody waits.

What a simulator's library does to its process, or who kills it, ends that one request; the next one starts another.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from ..contract.errors import SurrogatesError
from .arrays import packed
from .turns import Gone, Stop

if TYPE_CHECKING:
    import xarray as xr

KEPT = 2
"""Processes that are kept for the next request, the latest."""

POLLED = 0.1
"""Seconds between two looks whether somebody still waits."""

NICE = 5
"""References run behind the surrogates: a page asks for them in the background."""


class Died(Exception):
    """The process of a reference simulator ended before it answered."""


class References:
    """Processes of reference simulators."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._lock = threading.Lock()

    def arrays(
        self, name: str, rows: int | xr.Dataset, seed: int, first: int, given: dict[str, Any], stop: Stop
    ) -> bytes:
        """Samples of the reference of plugin `name` as `packed` has them; ends its process where `stop` says so.

        Raises
        ------
        Gone, Died
        SurrogatesError
            What the simulator refuses.
        """
        worker = self._taken(name)
        try:
            answer = worker.ask((rows, seed, first, given), stop)
        except BaseException:
            self._left(worker)
            worker.end()
            raise
        self._left(worker, keep=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _taken(self, name: str) -> Worker:
        with self._lock:
            for worker in reversed(self._idle):
                if worker.name == name:
                    self._idle.remove(worker)
                    if worker.alive:
                        self._busy.add(worker)
                        return worker
            worker = Worker(name)
            self._busy.add(worker)
            return worker

    def _left(self, worker: Worker, keep: bool = False) -> None:
        with self._lock:
            self._busy.discard(worker)
            if keep:
                self._idle.append(worker)
            dropped = self._idle[:-KEPT]
            del self._idle[:-KEPT]
        for other in dropped:
            other.end()

    @property
    def processes(self) -> list[int]:
        """Their numbers."""
        with self._lock:
            return [worker.pid for worker in (*self._idle, *self._busy)]

    def close(self) -> None:
        """End every process."""
        with self._lock:
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.end()


class Worker:
    """A process with one reference simulator.

    Parameters
    ----------
    name : str
        Its plugin.
    """

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self._here, there = context.Pipe()
        self._process = context.Process(target=simulate, args=(name, there), daemon=True)
        self._process.start()
        there.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def ask(self, asked: tuple[Any, ...], stop: Stop) -> Any:
        """Its answer, or the error that it raised."""
        try:
            self._here.send(asked)
            while not self._here.poll(POLLED):
                if stop.asked:
                    raise Gone
            return self._here.recv()
        except (EOFError, OSError):
            raise Died(self.name) from None

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.join(5)
        self._here.close()


def simulate(name: str, pipe: Connection) -> None:
    """Answer requests until the pipe is closed; the whole of a worker's process."""
    os.nice(NICE)
    from ..sampling.opening import reference

    simulator = None
    while True:
        try:
            rows, seed, first, given = pipe.recv()
        except EOFError:
            return
        try:
            simulator = simulator or reference(name)
            more = {"first": first} if isinstance(rows, int) else {}
            samples = simulator.sample(rows, seed=seed, **more, **given)
            answer: Any = packed(samples, simulator.conditions, simulator.outputs)
        except SurrogatesError as error:
            error.value = None  # may be anything; the line says it
            answer = error
        except Exception as error:
            answer = RuntimeError(f"{name}: {error!r}\n{traceback.format_exc()}")
        pipe.send(answer)


__all__ = ["Died", "References", "Worker", "simulate"]
