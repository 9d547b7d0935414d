"""Locks that say who writes a file or a folder, and that a killed writer cannot leave behind for good.

A lock is a small file beside what it guards: host, process and the process's start time. On one host a lock whose
process is gone, or whose number now belongs to a process that started later, is stale. Of another host nothing can be
asked; its writer touches the lock as long as it lives, and one that has been silent for `SILENCE` seconds, by the file
system's own clock, is stale.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .formats import OutputError

HEARTBEAT = 10.0
SILENCE = 120.0


@dataclass(frozen=True)
class Lock:
    """What a writer holds; it may be sent to another process that writes in its name.

    Attributes
    ----------
    path : Path
    token : str
        Unique to the holder.
    what : str
        What is guarded, for messages.
    """

    path: Path
    token: str
    what: str

    def held(self) -> bool:
        """Whether the lock is still this holder's, as seen from here."""
        found = _read(self.path)
        return found is not None and found.get("token") == self.token

    def check(self) -> None:
        """Raise OutputError where the lock is no longer this holder's: then nothing more may be written."""
        if not self.held():
            raise OutputError(f"{self.what}: another run has taken it over; this one stops")


@contextmanager
def locked(path: Path, what: Path | str, rivals: Callable[[], Iterable[Path]] = tuple) -> Iterator[Lock]:
    """Hold the lock at `path`; refused at once where a live process holds it or one of its `rivals`.

    Parameters
    ----------
    path : Path
        The lock file; its folder exists.
    what : path or str
        What is guarded, for messages.
    rivals : callable
        Other locks that must not be held meanwhile.

    Raises
    ------
    OutputError
        Another process writes it: one line that says which.
    """
    lock = Lock(path, uuid.uuid4().hex, str(what))
    with one_at_a_time(path.parent):
        for other in (path, *rivals()):
            _refuse_where_held(other, lock)
        with suppress(FileExistsError), open(path, "x", encoding="utf-8") as file:
            json.dump({"token": lock.token, **_self()}, file)
        try:
            for other in (path, *rivals()):  # a process of another machine may have come between
                _refuse_where_held(other, lock)
        except BaseException:
            _release(lock)
            raise
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(lock, done), daemon=True, name=f"lock of {lock.what}")
    beat.start()
    try:
        yield lock
    finally:
        done.set()
        _release(lock)


def lock_path(target: Path) -> Path:
    """Where the lock of the file `target` lies."""
    return target.with_name(f".{target.name}.lock")


def _release(lock: Lock) -> None:
    found = _read(lock.path)
    if found is not None and found.get("token") == lock.token:
        lock.path.unlink(missing_ok=True)


def _refuse_where_held(other: Path, lock: Lock) -> None:
    found = _read(other)
    if found is None or found.get("token") == lock.token:
        return
    if not _is_stale(other, found, lock):
        if not found:
            raise OutputError(f"{lock.what}: its lock {other} is damaged; wait {SILENCE:.0f} s, or remove it")
        host = str(found.get("host")).split(" ")[0]
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_number(found.get("since"))))
        raise OutputError(
            f"{lock.what}: process {found.get('pid')} on {host} has been writing it since {since}; "
            "wait for it, or choose another output"
        )
    other.unlink(missing_ok=True)


def _is_stale(path: Path, found: dict[str, object], lock: Lock) -> bool:
    if found.get("host") == _host():
        pid = found.get("pid")
        return not isinstance(pid, int) or started(pid) != found.get("started")
    probe = path.with_name(f"{path.name}.{lock.token}")
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime > SILENCE
    except FileNotFoundError:
        return True
    finally:
        probe.unlink(missing_ok=True)


def _beat(lock: Lock, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT):
        with suppress(OSError):
            os.utime(lock.path)


def _self() -> dict[str, object]:
    return {"host": _host(), "pid": os.getpid(), "started": started(os.getpid()), "since": time.time()}


@cache
def _host() -> str:
    """This machine since its last start, and where processes are numbered apart, which numbers count."""
    parts = [socket.gethostname() or "unnamed"]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def started(pid: int) -> str | None:
    """When a process of this machine started, in the system's own words; None where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def _read(path: Path) -> dict[str, object] | None:
    """What a lock says; an empty mapping where it is damaged, None where there is none."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 4e9 else 0.0


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process of this machine at a time look at the locks or the manifest of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
