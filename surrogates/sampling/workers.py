"""Processes that sample for another one, and do not outlive it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any

from ..contract.errors import SurrogatesError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def pool(workers: int, initializer: Callable[..., None] | None = None, *arguments: Any) -> ProcessPoolExecutor:
    """Spawned processes that end as soon as this one does, however it ends.

    Parameters
    ----------
    workers : int
    initializer, *arguments
        Called in each process before its first task.
    """
    lasting = threading.current_thread() is threading.main_thread()
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(os.getpid(), lasting, initializer, arguments)
    )


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, called in a process of its own: for files that may end the process that reads them.

    Raises
    ------
    ProcessEnded
        The process ended before the function did.
    """
    with pool(1) as processes:
        try:
            return processes.submit(function, *arguments).result()
        except BrokenProcessPool:
            raise ProcessEnded("the process ended early; a library that it uses did not survive") from None


class ProcessEnded(SurrogatesError):
    """A process that ended before its work did: out of memory, killed, or by a fault in a library."""


def _begin(parent: int, lasting: bool, initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Arrange for the end of this process.

    Linux sends a signal when the *thread* that started a process ends: it is asked for only where that is the main
    one. The thread that waits for the parent's end serves everywhere, once Python runs.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # batch systems send it to all processes; the parent answers it
    if lasting and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_follow, args=(parent,), daemon=True, name="end with the parent").start()
    if initializer is not None:
        initializer(*arguments)


def _follow(parent: int) -> None:
    process = multiprocessing.parent_process()
    if process is not None and os.getppid() == parent:
        connection.wait([process.sentinel])
    os._exit(1)
