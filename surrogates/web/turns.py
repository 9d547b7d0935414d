"""Turns: so many requests are computed at once, so many wait, and the others are told to come again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .settings import Settings

T = TypeVar("T")

COME_AGAIN = 1
"""Seconds after which a caller who was sent away should ask again."""


class Busy(Exception):
    """As many requests wait as may."""


class TooLong(Exception):
    """A request took longer than allowed."""


class Gone(Exception):
    """The caller went away, or nobody waits for the answer any more."""


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

    Parameters
    ----------
    settings : Settings
    running : int, optional
        Threads; the settings' by default.
    """

    def __init__(self, settings: Settings, running: int | None = None) -> None:
        self.settings = settings
        self.running = running or settings.running
        self.pool = ThreadPoolExecutor(self.running, thread_name_prefix="surrogates")
        self.asked = 0

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
        Busy, TooLong, Gone
        """
        if self.asked >= self.running + self.settings.waiting:
            raise Busy
        self.asked += 1
        stop = Stop()
        future = self.pool.submit(make, stop)
        future.add_done_callback(self._done)
        found = asyncio.wrap_future(future)
        try:
            return await awaited(found, gone, self.settings.seconds)
        finally:
            stop.now()
            if not found.done():
                found.cancel()  # a request that still waits for a thread never gets one

    def _done(self, _: object) -> None:
        self.asked -= 1

    def close(self) -> None:
        """End the threads once they are done; those who wait are dropped."""
        self.pool.shutdown(wait=False, cancel_futures=True)
