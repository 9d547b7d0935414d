"""HDF5 files that are written safely: a full disk becomes an error, where the library alone would crash on it.

HDF5 keeps chunks in memory and writes them when it closes a file; a write that fails then leaves handles that it can
neither flush nor free, and the process dies with a segmentation fault when they are collected. Here the library writes
through a file object that remembers the first failure and goes on as if nothing had happened; the failure is raised as
soon as Python is in charge again. A signal whose handler raises, as Ctrl-C's does, is such a failure where it comes
while HDF5 calls that object: it waits until HDF5 has returned.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import h5py


class _Disk:
    """A file object for h5py that never fails under it."""

    def __init__(self, path: Path, mode: Literal["w", "r+"]) -> None:
        flags = os.O_RDWR | (os.O_CREAT | os.O_TRUNC if mode == "w" else 0)
        self.descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
        self.failure: BaseException | None = None
        self.position = 0
        self.size = os.fstat(self.descriptor).st_size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        self.position = start + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: memoryview) -> int:
        view = memoryview(buffer).cast("B")
        found = b""
        try:
            found = os.pread(self.descriptor, len(view), self.position)
        except BaseException as error:
            self.failure = self.failure or error
        view[: len(found)] = found
        view[len(found) :] = bytes(len(view) - len(found))
        self.position += len(view)
        return len(view)

    def read(self, size: int) -> bytes:
        buffer = bytearray(size)
        self.readinto(memoryview(buffer))
        return bytes(buffer)

    def write(self, content: memoryview) -> int:
        view = memoryview(content).cast("B")
        done = 0
        try:
            while done < len(view) and self.failure is None:
                done += os.pwrite(self.descriptor, view[done:], self.position + done)
        except BaseException as error:
            self.failure = self.failure or error
        self.position += len(view)
        self.size = max(self.size, self.position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        self.size = self.position if size is None else size
        try:
            if self.failure is None:
                os.ftruncate(self.descriptor, self.size)
        except BaseException as error:
            self.failure = error
        return self.size

    def flush(self) -> None:
        """Nothing is held back here."""

    def check(self) -> None:
        """Raise the first failure."""
        if self.failure is not None:
            raise self.failure


class WritableHDF5:
    """An open HDF5 file and the state of its disk."""

    def __init__(self, file: h5py.File, disk: _Disk) -> None:
        self.file = file
        self._disk = disk

    def check(self) -> None:
        """Raise OSError where something could not be written so far."""
        self._disk.check()


RETRY = 0.02
"""Seconds after which a signal that had to wait is sent again."""


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Handlers of signals run only where HDF5 is not at work; in the main thread, where alone Python runs them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler

    def waiting(number: int, frame: FrameType | None) -> None:
        inside = frame
        while inside is not None:
            if inside.f_globals is globals():  # HDF5 is closing, or calls this module from C
                again = threading.Timer(RETRY, os.kill, (os.getpid(), number))
                again.daemon = True
                again.start()
                return
            inside = inside.f_back
        before[number](number, frame)

    for number in before:
        signal.signal(number, waiting)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is waiting:  # the handler itself may have set another
                signal.signal(number, handler)


@contextmanager
def writable_hdf5(path: Path, mode: Literal["w", "r+"] = "w") -> Iterator[WritableHDF5]:
    """Open an HDF5 file to write into.

    Parameters
    ----------
    path : Path
    mode : {"w", "r+"}
        A new file, or an existing one to add to.

    Raises
    ------
    OSError
        Where something could not be written, at the latest when the file is closed.
    """
    disk = _Disk(path, mode)
    try:
        with _signals_wait(), h5py.File(disk, mode, track_order=True) as file:
            yield WritableHDF5(file, disk)
    except BaseException:
        disk.check()
        raise
    finally:
        os.close(disk.descriptor)
    disk.check()
