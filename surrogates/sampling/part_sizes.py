"""How many samples a part of some bytes holds: measured on some samples of the run, so that all its writers agree."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from ..contract.errors import SurrogatesError
from ..io.hdf5_writing import fill_hdf5
from ..io.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    import xarray as xr

    from .jobs import Job

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30}
_BYTES = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([KMG]I?|)B\s*", re.IGNORECASE)

MOST_BYTES = 2.0**63
"""More is no size of a file."""

LOOKED_AT = 4 << 20
"""Bytes in memory of the samples that are measured, about."""

MOST = 256
"""Samples that are measured."""

PIECES, PIECES_OF_BATCHES = 8, 3
"""Places of the run from which they come; fewer where each costs a whole batch."""

_DIGITS = 2
"""Of the bytes a sample: where two kinds of processor differ in a few bytes, they cut alike all the same."""

_REFERENCE, _HEAP = 16, 16
"""Bytes of a text beside its letters: its address, and the header of an object of the heap (HDF5 File Format
Specification 3.0, III.E and VIII)."""


@dataclass(frozen=True)
class Bytes:
    """A size that is asked in bytes."""

    number: int

    @classmethod
    def read(cls, text: str) -> Bytes | None:
        """``256MB``, ``1.5 GiB``: powers of 1000, or with an i of 1024; None for what is no such size, or nothing."""
        found = _BYTES.fullmatch(text)
        size = float(found[1]) * UNITS[found[2].upper()] if found else 0.0
        return cls(round(size)) if round(min(size, MOST_BYTES)) and size <= MOST_BYTES else None

    def __str__(self) -> str:
        for unit in ("G", "M", "K"):
            if self.number >= UNITS[unit]:
                return f"{self.number / UNITS[unit]:.3g} {unit.replace('K', 'k')}B"
        return f"{self.number} B"


def samples_of(job: Job, size: Bytes, folder: Path, *, join: bool, compression: str) -> int:
    """Samples in a part of at least so many bytes: whole batches, as few as reach it.

    Parameters
    ----------
    job : Job
    size : Bytes
    folder : Path
        Where it holds a run that was cut by the same bytes and is gone on with, that run's number is taken.
    join : bool
        Whether a run that is there is gone on with.
    compression : str
        Of the parts.

    Returns
    -------
    int
    """
    batch = job.simulator.batch
    if join and (folder / MANIFEST).exists():
        there = read_manifest(folder)["provenance"]
        found = there.get("part_size")
        if there.get("part_bytes") == size.number and isinstance(found, int) and not found % batch:
            return found  # of another run in other batches nothing is taken: what differs is said when it begins
    each = bytes_a_sample(job, compression)
    return max(1, math.ceil(size.number / (each * batch))) * batch


def bytes_a_sample(job: Job, compression: str) -> float:
    """Bytes that a sample takes in a large part, to two digits; of samples from places spread over the run.

    Raises
    ------
    SurrogatesError
        The run has no samples.
    """
    if not job.size:
        raise SurrogatesError("--part-size: a run of no samples has no bytes a sample; give a number of samples")
    alone = replace(job, workers=1, scheduler=None, shard=(1, 1))
    first = next(alone.blocks(0, 1))
    total = min(job.size, MOST, max(1, LOOKED_AT // max(1, first.nbytes)))
    blocks = [first] if total == 1 else list(_spread(alone, total))
    rows = sum(block.sizes["sample"] for block in blocks)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "measured.nc"
        fill_hdf5(blocks, path, compression=compression, rows_per_file=rows)  # type: ignore[arg-type]
        with h5py.File(path) as file:
            stored = sum(_stored(entry) for entry in file.values() if isinstance(entry, h5py.Dataset))
    scale = 10 ** (math.floor(math.log10(stored / rows)) + 1 - _DIGITS)
    return round(stored / rows / scale) * scale


def _spread(job: Job, total: int) -> Iterator[xr.Dataset]:
    """Samples from the beginning of batches that lie evenly over the run."""
    batch = job.simulator.batch
    batches = -(-job.size // batch)
    pieces = min(PIECES if batch == 1 else PIECES_OF_BATCHES, batches, total)
    for piece in range(pieces):
        start = batches * (2 * piece + 1) // (2 * pieces) * batch
        yield from job.blocks(start, min(start + -(-total // pieces), job.size))


def _stored(entry: Any) -> int:
    """Bytes of an array, without what the last chunk of a short file has too much."""
    if h5py.check_string_dtype(entry.dtype):
        lengths = [-(-len(text) // 8) * 8 for text in entry[()].ravel()]
        return sum(lengths) + len(lengths) * (_REFERENCE + _HEAP)
    if entry.shape == () or entry.chunks is None:
        return 0
    return entry.id.get_storage_size() if entry.id.get_create_plist().get_nfilters() > 1 else entry.nbytes
