"""A SHA-256 at the end of a file, over everything before it: one altered bit anywhere is found on reading.

HDF5, NetCDF-4 and ROOT know from their own headers where they end, and pass over what follows; a text carries the seal
as a line that its readers pass over; Parquet is read from its end, where the footer says where all else lies, so that
the seal stands before the footer. A program that changes or copies the contents leaves the seal out, so that only what
was altered behind every program's back breaks it.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from .formats import FileFormatError

_SEAL = re.compile(rb"\n[^\n]{0,20}surrogates sealed by sha256 ([0-9a-f]{64})[^\n]{0,20}\n\Z")
_LONGEST = len("\nsurrogates sealed by sha256 \n") + 64 + 40
_STEP = 1 << 20


def seal(path: Path, line: str = "{}") -> None:
    """Append the seal to a finished file.

    Parameters
    ----------
    path : Path
    line : str
        How the format of a text writes what its readers pass over, with ``{}`` for the seal's own words.
    """
    digest = _digest(path, path.stat().st_size)
    words = line.format(f"surrogates sealed by sha256 {digest}")
    with open(path, "ab") as file:
        file.write(f"\n{words}\n".encode())


def check_seal(path: Path) -> bool:
    """Return whether a file is sealed, having compared it with its seal.

    A file that did not change since this process last compared it is not read again.

    Raises
    ------
    FileFormatError
        Altered since it was sealed.
    """
    found = path.stat()
    return _compare(str(path), found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4096)
def _compare(name: str, inode: int, size: int, changed: int) -> bool:
    path = Path(name)
    start = max(0, size - _LONGEST)
    with open(path, "rb") as file:
        file.seek(start)
        there = _SEAL.search(file.read(_LONGEST))
    if there is None:
        return False
    if _digest(path, start + there.start()) != there[1].decode():
        raise _altered(path, "the one at its end")
    return True


_PARQUET = b"PAR1"
_BEFORE_FOOTER = re.compile(rb"\nsurrogates sealed by sha256 ([0-9a-f]{64})\n\Z")
_WORDS = re.compile(rb"surrogates seal|led by sha256")  # of which one altered bit leaves one


def seal_parquet(path: Path) -> None:
    """Put the seal of a finished Parquet file between its pages and its footer."""
    footer = _parquet_footer(path)
    assert footer is not None
    start = path.stat().st_size - len(footer)
    digest = _digest(path, start, footer)
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(f"\nsurrogates sealed by sha256 {digest}\n".encode() + footer)


def check_parquet_seal(path: Path) -> bool:
    """Return whether a Parquet file is sealed, having compared it with its seal.

    Raises
    ------
    FileFormatError
        Altered since it was sealed.
    """
    footer, size = _parquet_footer(path), path.stat().st_size
    with open(path, "rb") as file:
        start = max(0, size - len(footer or b"") - _LONGEST)
        file.seek(start)
        tail = file.read(size - len(footer or b"") - start)
        there = _BEFORE_FOOTER.search(tail)
        if there is None:
            file.seek(max(0, size - (1 << 20)))
            damaged = _WORDS.search(file.read())
        else:
            damaged = _digest(path, start + there.start(), footer or b"") != there[1].decode()
    if damaged:
        raise _altered(path, "the one in it")
    return there is not None


def _parquet_footer(path: Path) -> bytes | None:
    """The footer with its length and the closing mark; None where there is none."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, size - 8))
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if len(end) < 8 or end[4:] != _PARQUET or length + 12 > size:
            return None
        file.seek(size - 8 - length)
        return file.read()


def _altered(path: Path, which: str) -> FileFormatError:
    return FileFormatError(
        f"{path}: altered or damaged since it was written (its SHA-256 is not {which}); make it or fetch it again"
    )


def _digest(path: Path, length: int, last: bytes = b"") -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0 and (piece := file.read(min(_STEP, length))):
            found.update(piece)
            length -= len(piece)
    found.update(last)
    return found.hexdigest()
