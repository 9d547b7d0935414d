"""A SHA-256 at the end of a file, over everything before it: one altered bit anywhere is found on reading.

HDF5, NetCDF-4 and ROOT know from their own headers where they end, and pass over what follows. A program that changes
or copies the contents leaves the seal out, so that only what was altered behind every program's back breaks it.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from .formats import FileFormatError

_SEAL = re.compile(rb"\nsurrogates sealed by sha256 ([0-9a-f]{64})\n\Z")
_LENGTH = len("\nsurrogates sealed by sha256 \n") + 64
_STEP = 1 << 20


def seal(path: Path) -> None:
    """Append the seal to a finished file."""
    digest = _digest(path, path.stat().st_size)
    with open(path, "ab") as file:
        file.write(f"\nsurrogates sealed by sha256 {digest}\n".encode())


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
    if size < _LENGTH:
        return False
    with open(path, "rb") as file:
        file.seek(size - _LENGTH)
        there = _SEAL.search(file.read(_LENGTH))
    if there is None:
        return False
    if _digest(path, size - _LENGTH) != there[1].decode():
        raise FileFormatError(
            f"{path}: altered or damaged since it was written (its SHA-256 is not the one at its end); "
            "make it or fetch it again"
        )
    return True


def _digest(path: Path, length: int) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0 and (piece := file.read(min(_STEP, length))):
            found.update(piece)
            length -= len(piece)
    return found.hexdigest()
