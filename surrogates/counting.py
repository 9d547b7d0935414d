"""Counts with the time left, on stderr, for whatever takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

PATIENCE = 2.0
PLAIN_INTERVAL = 15.0


class Counter:
    """Counts what is done; a live bar on a terminal, a line now and then elsewhere.

    Parameters
    ----------
    what : str
        What is counted, e.g. "particle-events".
    total : int, optional
        How many there will be.
    shown : bool
        False keeps it silent.
    """

    def __init__(self, what: str, total: int | None, *, shown: bool = True) -> None:
        self.what, self.total, self.shown = what, total, shown
        self.done = 0
        self._start = self._spoken = time.monotonic()
        self._said = False
        self._bar: Any = None
        self._task: Any = None
        self._over = threading.Event()
        self._speaking = threading.Lock()

    def __enter__(self) -> Self:
        if self.shown:
            threading.Thread(target=self._keep_speaking, daemon=True, name=f"progress of {self.what}").start()
        return self

    def _keep_speaking(self) -> None:
        """Say what goes on after two seconds, and now and then after that, also where nothing is counted meanwhile."""
        wait = PATIENCE
        while not self._over.wait(wait):
            self._tell(time.monotonic())
            wait = PLAIN_INTERVAL

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with self._speaking:
            if self._bar is not None:
                self._bar.stop()

    def announce(self) -> None:
        """Say at once what begins: for work of which it is known beforehand that it takes long."""
        if self.shown and not sys.stderr.isatty():
            print(self._sentence(time.monotonic()), file=sys.stderr, flush=True)
        elif self.shown:
            self._draw()

    def advance(self, count: int = 1) -> None:
        """Note that `count` more are done."""
        self.update(self.done + count)

    def update(self, done: int, total: int | None = None, what: str | None = None) -> None:
        """Note that `done` of `total` are done."""
        self.done = done
        self.total = total if total is not None else self.total
        self.what = what or self.what
        now = time.monotonic()
        if self.shown and now - self._start >= PATIENCE:
            self._tell(now)

    def _tell(self, now: float) -> None:
        with self._speaking:
            if self._over.is_set():
                return
            if sys.stderr.isatty():
                self._draw()
            elif now - self._spoken >= (PLAIN_INTERVAL if self._said else PATIENCE) - 0.1:
                self._spoken, self._said = now, True
                print(self._sentence(now), file=sys.stderr, flush=True)

    def stage(self, what: str) -> None:
        """Note that another stage of work without a count has begun."""
        self.update(0, what=what)

    def _draw(self) -> None:
        if self._bar is None:
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                *((progress.BarColumn(), progress.MofNCompleteColumn()) if self.total else (progress.SpinnerColumn(),)),
                progress.TimeElapsedColumn(),
                *((progress.TimeRemainingColumn(),) if self.total else ()),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self.what, total=self.total)
            self._bar.start()
        self._bar.update(self._task, completed=self.done, total=self.total, description=self.what)

    def _sentence(self, now: float) -> str:
        spent = now - self._start
        if not self.total:
            return f"{self.what}{f': {self.done:,}' if self.done else ''} ({spent:.0f} s)"
        left = f", {spent * (self.total - self.done) / self.done:.0f} s left" if self.done else ""
        return f"{self.what}: {self.done:,} of {self.total:,}{left}"


def counted(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, counted as they come: ``for shard in counted(shards, "shards of pions", 40)``."""
    with Counter(what, total) as counter:
        for item in items:
            counter.advance()
            yield item
