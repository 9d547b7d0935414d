"""Damaged global heaps of HDF5 files, found before the library sees them: it would walk some of them for ever.

A global heap holds text and references of variable length: ``GCOL``, version 1, its size, then objects of (index 2,
reference count 2, reserved 4, size 8, data padded to 8). Object 0 is the free space and ends the walk; the library
steps by its size, and never ends where that is zero (HDF5 File Format Specification 3.0, section III.E).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_SIGNATURE = b"GCOL\x01\x00\x00\x00"
_HEADER = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HHIQ")


def endless_heap(path: Path) -> int | None:
    """Return the position of a global heap whose walk does not end, None where there is none."""
    if path.stat().st_size < _HEADER.size:
        return None
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_SIGNATURE)
        while start >= 0:
            if _is_endless(content, start):
                return start
            start = content.find(_SIGNATURE, start + 1)
    return None


def _is_endless(content: mmap.mmap, start: int) -> bool:
    if start + _HEADER.size > len(content):
        return False
    _, size = _HEADER.unpack_from(content, start)
    end = min(start + size, len(content))
    position = start + _HEADER.size
    while position + _OBJECT.size <= end:
        index, _, _, length = _OBJECT.unpack_from(content, position)
        step = length if index == 0 else _OBJECT.size + (length + 7) // 8 * 8
        if step == 0 or step >= 1 << 63:
            return True
        position += step
    return False
