"""Small requests of one model computed together: what gathers while a batch runs is the next batch.

Nobody waits for others to come: a request that finds its model idle is computed at once, alone, and then has the bits
of `Surrogate.sample`; see `sampling.together` for how near those are that shared a batch.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..sampling.together import Call, together
from .settings import Settings
from .turns import Busy, Pace, TooLong, awaited

if TYPE_CHECKING:
    import xarray as xr

    from ..sampling.surrogate import Surrogate


REMEMBERED = 256.0
"""Small requests after which the pace that was measured before counts half: a batch or two where many come."""


@dataclass(eq=False)
class Waiting:
    """A request in the queue.

    Attributes
    ----------
    prepare : callable
        Its conditions, converted and checked, in the thread that computes.
    finish : callable
        The answer made of its samples.
    size : int
        Samples.
    found : asyncio.Future
    given_up : bool
        Nobody waits for it any more.
    begun : bool
        It is computed.
    """

    prepare: Callable[[], Call]
    finish: Callable[[xr.Dataset], bytes]
    size: int
    found: asyncio.Future[bytes]
    given_up: bool = field(default=False)
    begun: bool = field(default=False)


class Batching:
    """Queues of small requests, one a model, and the threads that serve them.

    A request is sent away where `Settings.batching` wait, or where those of its model would take longer than
    `Settings.patience` at the pace of late; one that finds its model idle never is.

    Parameters
    ----------
    settings : Settings
    batched : callable, optional
        Told of the number of requests in each batch.
    """

    def __init__(self, settings: Settings, batched: Callable[[int], object] | None = None) -> None:
        self.settings = settings
        self.batched = batched or (lambda _: None)
        self.pool = ThreadPoolExecutor(settings.running, thread_name_prefix="surrogates-small")
        self.waiting = 0
        self._queues: dict[Any, deque[Waiting]] = {}
        self._served: set[Any] = set()
        self._paces: dict[Any, Pace] = {}
        self._asked: dict[Any, int] = {}
        self._lock = threading.Lock()

    async def take(
        self,
        surrogate: Surrogate,
        size: int,
        prepare: Callable[[], Call],
        finish: Callable[[xr.Dataset], bytes],
        gone: Callable[[], Awaitable[object]],
    ) -> bytes:
        """The answer to one request.

        Raises
        ------
        Busy
            Too many wait, or its batch did not begin within the seconds that a request may take.
        TooLong, Gone
        SurrogatesError
            What `prepare` raises; the others of its batch are answered all the same.
        """
        pace, asked = self._paces.setdefault(surrogate, Pace(remembered=REMEMBERED)), self._asked.get(surrogate, 0)
        expected = pace.wait(asked)
        if self.waiting >= self.settings.batching or expected > self.settings.patience:
            raise Busy(expected)
        loop = asyncio.get_running_loop()
        one = Waiting(prepare, finish, size, loop.create_future())
        with self._lock:
            self._queues.setdefault(surrogate, deque()).append(one)
            idle = surrogate not in self._served
            self._served.add(surrogate)
        self.waiting += 1
        self._asked[surrogate] = asked + 1
        if idle:
            self.pool.submit(self._serve, surrogate, loop)
        try:
            return await awaited(one.found, gone, self.settings.seconds)
        except TooLong:
            if not one.begun:
                raise Busy(pace.wait(self._asked[surrogate])) from None
            raise
        finally:
            one.given_up = True
            self.waiting -= 1
            self._asked[surrogate] -= 1

    def _next(self, surrogate: Surrogate) -> list[Waiting]:
        """Requests of the next batch; where there are none, the model is idle again."""
        with self._lock:
            queue, chosen, held = self._queues[surrogate], [], 0
            while queue and (not chosen or held + queue[0].size <= surrogate.batch):
                one = queue.popleft()
                if not one.given_up:
                    one.begun = True
                    chosen.append(one)
                    held += one.size
            if not chosen:
                self._served.discard(surrogate)
        return chosen

    def _serve(self, surrogate: Surrogate, loop: asyncio.AbstractEventLoop) -> None:
        """Compute one batch, and come again behind the other models while there is more."""
        chosen = self._next(surrogate)
        if not chosen:
            return
        answers: list[bytes | BaseException]
        begun = time.perf_counter()
        try:
            answers = computed(surrogate, chosen)
            self._paces[surrogate].note(time.perf_counter() - begun, len(chosen))
            self.batched(len(chosen))
        except BaseException as error:  # a thread that ends takes no queue with it
            answers = [error for _ in chosen]
        loop.call_soon_threadsafe(_deliver, chosen, answers)
        try:
            self.pool.submit(self._serve, surrogate, loop)
        except RuntimeError:  # the server ends
            pass

    def close(self) -> None:
        """End the threads once they are done."""
        self.pool.shutdown(wait=False, cancel_futures=True)


def computed(surrogate: Surrogate, chosen: list[Waiting]) -> list[bytes | BaseException]:
    """Answers of a batch; a request that cannot be computed has its error, and the others theirs."""
    answers: list[bytes | BaseException | None] = [None] * len(chosen)
    calls: dict[int, Call] = {}
    for place, one in enumerate(chosen):
        try:
            calls[place] = one.prepare()
        except Exception as error:
            answers[place] = error
    try:
        samples: dict[int, Any] = dict(zip(calls, together(surrogate, list(calls.values())), strict=True))
    except Exception:  # one of them: each is tried by itself
        samples = {place: _alone(surrogate, one) for place, one in calls.items()}
    for place, found in samples.items():
        try:
            answers[place] = found if isinstance(found, Exception) else chosen[place].finish(found)
        except Exception as error:
            answers[place] = error
    return [answer if answer is not None else RuntimeError("no answer") for answer in answers]


def _alone(surrogate: Surrogate, one: Call) -> xr.Dataset | Exception:
    try:
        return together(surrogate, [one])[0]
    except Exception as error:
        return error


def _deliver(chosen: list[Waiting], answers: list[bytes | BaseException]) -> None:
    for one, answer in zip(chosen, answers, strict=True):
        if one.found.done():
            continue
        if isinstance(answer, BaseException):
            one.found.set_exception(answer)
            if one.given_up:
                one.found.exception()  # seen: nobody is left to be told
        else:
            one.found.set_result(answer)
