"""Turns: so many requests are computed at once, so many wait, and the others are told to come again, and when."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .settings import Settings

T = TypeVar("T")

COME_AGAIN = 1
"""Seconds after which a caller who was sent away should ask again."""


LONGEST_PAUSE = 60
"""Seconds after which a caller who was sent away is told to ask again at the latest."""


class Busy(Exception):
    """As many requests wait as may.

    Parameters
    ----------
    wait : float
        Seconds in which those who wait should be answered.
    """

    def __init__(self, wait: float = 0.0) -> None:
        super().__init__()
        self.seconds = min(LONGEST_PAUSE, max(COME_AGAIN, math.ceil(wait)))


class TooLong(Exception):
    """A request took longer than allowed."""


class Gone(Exception):
    """The caller went away, or nobody waits for the answer any more."""


class Pace:
    """Seconds that a request has taken of late, where `running` are computed at once.

    Parameters
    ----------
    running : int
    remembered : float
        Requests after which what was measured before counts half.
    """

    def __init__(self, running: int = 1, remembered: float = 16.0) -> None:
        self.running = running
        self._keep = 0.5 ** (1.0 / remembered)
        self._seconds = self._requests = 0.0
        self._lock = threading.Lock()

    def note(self, seconds: float, requests: int = 1) -> None:
        """So many requests were answered in so many seconds of one thread."""
        kept = self._keep**requests
        with self._lock:
            self._seconds = self._seconds * kept + seconds
            self._requests = self._requests * kept + requests

    def wait(self, requests: int) -> float:
        """Seconds in which so many requests should be answered; 0 where none was measured."""
        return requests * self._seconds / max(self._requests, 1e-9) / self.running


class Stop:
    """What the thread that computes looks at between two blocks of samples."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def now(self) -> None:
        """Ask the thread to end at its next look."""
        self._event.set()

    def between(self, blocks: Iterable[T]) -> Iterator[T]:
        """The blocks one by one; raises Gone where nobody waits for more."""
        for block in blocks:
            if self._event.is_set():
                raise Gone
            yield block

    @property
    def asked(self) -> bool:
        """Whether the thread should end."""
        return self._event.is_set()


async def awaited(found: asyncio.Future[T], gone: Callable[[], Awaitable[object]], seconds: float) -> T:
    """What a future gives, while its caller is there and the time allowed lasts.

    Parameters
    ----------
    found : Future
    gone : callable
        Returns once the caller went away; nobody looks again and again, which would cost most where most wait.
    seconds : float
        Allowed.

    Raises
    ------
    TooLong, Gone
    """
    left = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({found, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return found.result()
        raise Gone if left.done() else TooLong
    finally:
        left.cancel()


class Turns:
    """Threads that compute, and who waits for them.

    A request is sent away where `Settings.waiting` wait, or where those who wait would take longer than
    `patience` at the pace of late; as many as there are threads may always wait.

    Parameters
    ----------
    settings : Settings
    running : int, optional
        Threads; the settings' by default.
    patience : float
        Seconds; without end by default.
    """

    def __init__(self, settings: Settings, running: int | None = None, patience: float = math.inf) -> None:
        self.settings, self.patience = settings, patience
        self.running = running or settings.running
        self.pool = ThreadPoolExecutor(self.running, thread_name_prefix="surrogates")
        self.pace = Pace(self.running)
        self.asked = 0
        self._lock = threading.Lock()

    async def take(self, make: Callable[[Stop], T], gone: Callable[[], Awaitable[object]]) -> T:
        """What `make` returns, computed in a thread as soon as one is free.

        Parameters
        ----------
        make : callable
            Takes the `Stop` that it should heed.
        gone : callable
            Returns once the caller went away.

        Raises
        ------
        Busy
            Too many wait, or no thread was free within the seconds that a request may take.
        TooLong, Gone
        """
        waiting, expected = self.asked - self.running, self.pace.wait(self.asked)
        if waiting >= self.settings.waiting or (waiting >= self.running and expected > self.patience):
            raise Busy(expected)
        with self._lock:
            self.asked += 1
        stop = Stop()

        def timed() -> T:
            begun = time.perf_counter()
            made = make(stop)  # what is refused or broken off says nothing of how long others take
            self.pace.note(time.perf_counter() - begun)
            return made

        future = self.pool.submit(timed)
        future.add_done_callback(self._done)
        found = asyncio.wrap_future(future)
        try:
            return await awaited(found, gone, self.settings.seconds)
        except TooLong:
            if future.cancel():  # it never began
                raise Busy(self.pace.wait(self.asked)) from None
            raise
        finally:
            stop.now()
            if not found.done():
                found.cancel()  # a request that still waits for a thread never gets one

    def _done(self, _: object) -> None:
        with self._lock:
            self.asked -= 1

    def close(self) -> None:
        """End the threads once they are done; those who wait are dropped."""
        self.pool.shutdown(wait=False, cancel_futures=True)
