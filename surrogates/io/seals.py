"""A SHA-256 at the end of a file, over everything before it: one altered bit anywhere is found on reading.

HDF5, NetCDF-4 and ROOT know from their own headers where they end, and pass over what follows; a text carries the seal
as a line that its readers pass over. A program that changes
or copies the contents leaves the seal out, so that only what was altered behind every program's back breaks it.
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
