"""Files that appear whole or not at all: a lock, a temporary file in the same folder, fsync, rename."""

from __future__ import annotations

import errno
import glob
import gzip
import os
import re
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .formats import OutputError
from .locks import lock_path, locked
from .seals import seal

_ERRNO = re.compile(r"errno = (\d+)")
_ADVICE = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "the quota is used up; choose another folder",
    errno.EFBIG: "the file size limit is reached; choose another folder or raise the limit",
    errno.EACCES: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.EPERM: "choose a folder that you may write to",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EAGAIN: "another process is writing it",
    errno.EWOULDBLOCK: "another process is writing it",
}


def is_device(target: Path) -> bool:
    """Return whether `target` is a pipe, a socket or a device, which can be written to but not replaced."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def output_error(target: Path, error: OSError) -> OutputError:
    """Return a one-line error for a failed write, whatever layer reported it."""
    found = _ERRNO.search(str(error))
    number = error.errno or (int(found.group(1)) if found else None)
    reason = os.strerror(number) if number else str(error).splitlines()[0]
    advice = f"; {_ADVICE[number]}" if number in _ADVICE else ""
    return OutputError(f"cannot write {target}: {reason}{advice}")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


@contextmanager
def replacing(target: Path, *, overwrite: bool, sealed: bool = False, line: str = "{}") -> Iterator[Path]:
    """Yield a temporary path; on success it is fsynced and renamed to `target`, on failure removed.

    The target is locked meanwhile: a second writer is refused at once. What a killed writer left is removed. A link is
    followed: its file is replaced, and the link stays.

    Parameters
    ----------
    target : Path
        The final name.
    overwrite : bool
        Whether an existing `target` may be replaced.
    sealed : bool
        Whether the file gets a seal at its end, see :mod:`surrogates.io.seals`.
    line : str
        How a text carries the seal.

    Raises
    ------
    OutputError
        Where `target` exists and `overwrite` is False, where another process writes it, or where it cannot be written.
        Errors that are not OSError pass through unchanged.
    """
    if "\0" in str(target):
        raise OutputError(f"cannot write {str(target)!r}: it holds a NUL character; choose another name")
    if target.is_dir():
        raise OutputError(f"cannot write {target}: it is a folder; give a file name")
    if is_device(target):
        raise OutputError(f"cannot write {target}: it is a pipe or a device, which this format cannot be streamed to")
    place = Path(os.path.realpath(target)) if target.is_symlink() else target
    if not place.parent.is_dir():
        raise OutputError(f"cannot write {target}: the folder {place.parent} does not exist; create it first")
    with _reporting(target), locked(lock_path(place), target):
        if not overwrite and place.exists():
            raise OutputError(f"{target} exists already; choose another name or ask to overwrite it")
        remove_leftovers(place)
        with whole(place) as temporary:
            yield temporary
            if sealed:
                seal(temporary, line)


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """As :func:`replacing`, for a target that the caller has locked: nothing is asked, an OSError stays one."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # of this user's new files; safetensors 0.8 hides its own
        temporary.unlink()
        yield temporary
        temporary.chmod(mode)
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except BaseException:
        _remove(temporary)
        raise


def remove_leftovers(target: Path) -> None:
    """Remove what killed writers of `target` left; for the holder of its lock."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass


@contextmanager
def byte_stream(target: str | Path, *, overwrite: bool, line: str | None = None) -> Iterator[BinaryIO]:
    """Yield a binary file to write to: standard output for ``"-"``, a pipe or device as it is, else a new file.

    A name that ends in ``.gz`` is compressed. Files appear whole or not at all, as with :func:`replacing`, and are
    sealed where the format has a `line` for it; gzip has a checksum of its own.

    Raises
    ------
    OutputError
        Where the target exists or cannot be written. A reader that closes its pipe raises BrokenPipeError.
    """
    path = Path(target)
    if str(target) == "-":
        with _reporting(path):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
    elif is_device(path):
        with _reporting(path), open(path, "wb") as file:
            yield file
    else:
        sealed = line is not None and path.suffix != ".gz"
        kept = replacing(path, overwrite=overwrite, sealed=sealed, line=line or "{}")
        with kept as temporary, open(temporary, "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as compressed:
                    yield compressed  # type: ignore[misc]
            else:
                yield file


@contextmanager
def _reporting(target: Path) -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, OutputError):
        raise
    except OSError as error:
        raise output_error(target, error) from error
