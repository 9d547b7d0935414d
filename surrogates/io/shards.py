"""A long run as a folder of immutable parts and a manifest: killed at any moment, it resumes byte for byte.

A part is written under a temporary name, fsynced, recorded beside itself (``part-00000.json``) and only then renamed: a
part that has its final name is whole. Several machines may write different parts of one folder; whoever ends last
completes ``manifest.json``. A lock for each share keeps two runs from the same parts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .atomic import output_error, remove_leftovers, whole
from .blocks import SAMPLE, rows
from .formats import FileFormatError, Format, FormatError, OutputError
from .locks import Lock, locked
from .manifest import (
    MANIFEST,
    MOST_SHARDS,
    as_json,
    check_part,
    complete_parts,
    finished,
    part_name,
    read_manifest,
    records_of,
    sha256,
    write_json,
    write_manifest,
)
from .sample_files import LIST, fill_list, problems_of, remove_listed
from .seals import seal

if TYPE_CHECKING:
    import xarray as xr


def write_shards(
    blocks_of: Callable[[int], Iterable[xr.Dataset]],
    n_shards: int,
    folder: str | Path,
    *,
    provenance: Mapping[str, Any],
    machine: Mapping[str, Any] | None = None,
    shard: tuple[int, int] = (1, 1),
    resume: bool = False,
    overwrite: bool = False,
    compression: Literal["none", "zstd", "gzip"] = "none",
    ragged: bool = True,
    rows_per_shard: int | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> None:
    """Write a run as `n_shards` parts.

    Parameters
    ----------
    blocks_of : callable
        ``blocks_of(i)`` gives the blocks of part `i`, the same ones each time it is asked; it is asked only for parts
        that are not there yet.
    n_shards : int
        The number of parts of the whole run.
    folder : path
        Created where it does not exist.
    provenance : mapping
        What made the samples (plugin, seed, conditions, versions, sha256 of the weights, batch size, ...), as JSON can
        hold it. All writers of a folder must give the same.
    machine : mapping, optional
        Where these parts were made (device, torch build, instruction set); recorded for each part, may differ.
    shard : (int, int)
        Write the `i`-th of `n` shares of the parts (``--shard i/n``, counted from 1).
    resume : bool
        Continue a run that was interrupted.
    overwrite : bool
        Replace a run that is there.
    compression, ragged
        As for NetCDF-4.
    rows_per_shard : int, optional
        Samples in each part (the last may hold fewer); chunks then line up, so that :func:`surrogates.io.merge` copies
        them.
    on_part : callable, optional
        Called with (index, samples) after each part, written now or found.

    Raises
    ------
    OutputError
        Where the folder holds a run and neither `resume` nor `overwrite` is set, or cannot be written.
    FormatError
        Where the run in the folder was made differently; names the first entry that differs.
    """
    options = {"compression": compression, "ragged": ragged, "rows_per_file": rows_per_shard}
    run = Shards(Path(folder), n_shards, as_json(provenance), options, shard)
    with run.begun(resume=resume, overwrite=overwrite) as lock:
        run.write(blocks_of, lock, run.mine, machine=machine, on_part=on_part)


@dataclass(frozen=True)
class Shards:
    """A run into a folder: what every process that writes in its name has to know.

    Attributes
    ----------
    folder : Path
    n_shards : int
    provenance : mapping
        As JSON gives it back.
    options : mapping
        Of :func:`surrogates.io.hdf5_writing.fill_hdf5`.
    shard : (int, int)
    file_format : Format, optional
        Of one file a sample; parts are then lists of files, see `surrogates.io.sample_files`.
    """

    folder: Path
    n_shards: int
    provenance: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    shard: tuple[int, int] = (1, 1)
    file_format: Format | None = None

    def __post_init__(self) -> None:
        if self.n_shards < 1:
            raise FormatError(f"n_shards = {self.n_shards}; expected at least 1")
        if self.n_shards > MOST_SHARDS:
            raise FormatError(f"n_shards = {self.n_shards}; expected at most {MOST_SHARDS}: make the parts larger")
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise FormatError(f"shard = {self.shard[0]}/{self.shard[1]}; expected i/n with 1 <= i <= n")

    @property
    def suffix(self) -> str:
        """Of the parts' files."""
        return ".nc" if self.file_format is None else LIST

    @property
    def mine(self) -> range:
        """The parts of this share."""
        return range(self.shard[0] - 1, self.n_shards, self.shard[1])

    @contextmanager
    def begun(self, *, resume: bool, overwrite: bool) -> Iterator[Lock]:
        """Hold this share's lock, with the manifest begun; complete the manifest where the block ends well.

        Raises
        ------
        OutputError
            Another process writes a part of this share, a run is there, or the folder cannot be written.
        FormatError
            The run in the folder was made differently, or one of its parts was altered.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self._lock(self.shard), self.folder, self._rivals) as lock:
                fresh = not (self.folder / MANIFEST).exists()
                self._begin(resume=resume, overwrite=overwrite)
                try:
                    yield lock
                except Exception:
                    if fresh:
                        self._withdraw(lock)
                    raise
                self._complete()
        except OutputError:
            raise
        except OSError as error:
            raise output_error(self.folder, error) from error

    def write(
        self,
        blocks_of: Callable[[int], Iterable[xr.Dataset]],
        lock: Lock,
        parts: Iterable[int],
        *,
        machine: Mapping[str, Any] | None = None,
        final_attrs: Callable[[], Mapping[str, Any]] | None = None,
        on_part: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write those of `parts` that are not there, in the name of the holder of `lock`.

        `final_attrs` is called after the last block of each; its global attributes are added to those of the first.
        """
        for index in parts:
            record = finished(self.folder, index)
            if record is None:
                record = self._write_part(index, blocks_of(index), lock, as_json(machine or {}), final_attrs)
            if on_part:
                on_part(index, record["rows"])

    def _write_part(
        self,
        index: int,
        blocks: Iterable[xr.Dataset],
        lock: Lock,
        machine: dict[str, Any],
        final_attrs: Callable[[], Mapping[str, Any]] | None,
    ) -> dict[str, Any]:
        from .hdf5_writing import fill_hdf5

        target = self.folder / part_name(index, self.suffix)
        extent = _Extent()
        try:
            with whole(target) as temporary:
                if self.file_format is not None:
                    fill_list(extent.watch(blocks), temporary, self.folder, self.file_format)
                else:
                    fill_hdf5(extent.watch(blocks), temporary, **self.options, final_attrs=final_attrs)
                    seal(temporary)
                record = {
                    "file": target.name,
                    "sha256": sha256(temporary),
                    "bytes": temporary.stat().st_size,
                    "rows": extent.rows,
                    "first_sample": extent.first,
                    "last_sample": extent.last,
                    "machine": machine,
                }
                lock.check()
                write_json(target.with_suffix(".json"), record)
        except OutputError:
            raise
        except OSError as error:
            raise output_error(target, error) from error
        return record

    def _begin(self, *, resume: bool, overwrite: bool) -> None:
        alone = self.shard == (1, 1)
        if (self.folder / MANIFEST).exists():
            if alone and not resume and not overwrite:
                raise OutputError(
                    f"{self.folder} holds a run already; resume it, overwrite it or choose another folder"
                )
            there = read_manifest(self.folder)
            if resume or not (alone and overwrite):
                self._compare(there, "overwrite the whole run, or choose another folder" if overwrite else None)
        self.remove_leftovers()
        if overwrite and not resume:
            self._clear(alone)
        else:
            for index in self.mine:
                if (record := finished(self.folder, index)) is not None:
                    self._check_part(self.folder / record["file"], record)
        if not (self.folder / MANIFEST).exists():
            write_manifest(self.folder, self.n_shards, self.provenance, [])

    def remove_leftovers(self) -> None:
        """Remove what killed writers of this share left; for the holder of its lock, while nobody writes."""
        for index in self.mine:
            part = self.folder / part_name(index, self.suffix)
            for target in (part, part.with_suffix(".json")):
                remove_leftovers(target)

    def _check_part(self, path: Path, record: Mapping[str, Any]) -> None:
        check_part(path, record)
        for problem in problems_of(path)[1] if path.suffix == LIST else ():
            raise FileFormatError(f"{problem}; delete {path.name} to have its files made again")

    def _compare(self, there: Mapping[str, Any], advice: str | None) -> None:
        """Refuse to write beside what was made differently; names the first entry that differs."""
        if there["n_shards"] != self.n_shards:
            raise FormatError(f"{self.folder}: the run there has {there['n_shards']} parts, this one {self.n_shards}")
        before, now = there["provenance"], self.provenance
        for key in sorted(set(before) | set(now)):
            if before.get(key) != now.get(key):
                found, given = (json.dumps(side.get(key))[:80] for side in (before, now))
                raise FormatError(
                    f"{self.folder}: the run there has {key} = {found}, this one {given}; "
                    f"{advice or 'choose another folder'}"
                )

    def _clear(self, alone: bool) -> None:
        """Remove this share's parts; of a run that no share divides, all of them."""
        if alone:
            patterns = ("part-*.json", "part-*.nc", f"part-*{LIST}")
            found = [path for pattern in patterns for path in self.folder.glob(pattern)]
        else:
            parts = [self.folder / part_name(index, self.suffix) for index in self.mine]
            found = [*(part.with_suffix(".json") for part in parts), *parts]
        for path in found:
            if path.suffix == LIST:
                remove_listed(path)
            else:
                path.unlink(missing_ok=True)
        write_manifest(self.folder, self.n_shards, self.provenance, [])  # last: a kill leaves no part of another run

    def _complete(self) -> None:
        """Write the manifest from the records of the parts; again where another writer ended meanwhile."""
        written = -1
        while written != len(records := records_of(self.folder, self.n_shards)):
            written = len(records)
            write_manifest(self.folder, self.n_shards, self.provenance, records)

    def _withdraw(self, lock: Lock) -> None:
        """Take the manifest of a run away that failed before it had a part, unless another share is about."""
        about = {path.name for path in self.folder.iterdir()} - {MANIFEST, lock.path.name}
        if not about:
            (self.folder / MANIFEST).unlink(missing_ok=True)

    def _lock(self, shard: tuple[int, int]) -> Path:
        return self.folder / f".share-{shard[0]}-of-{shard[1]}.lock"

    def _rivals(self) -> list[Path]:
        """Locks of shares that have parts in common with this one."""
        found = []
        for path in sorted(self.folder.glob(".share-*-of-*.lock")):
            index, _, count = path.name.removeprefix(".share-").removesuffix(".lock").partition("-of-")
            if not (index.isdigit() and count.isdigit() and int(count)):
                continue
            if (int(index) - self.shard[0]) % math.gcd(int(count), self.shard[1]) == 0:
                found.append(path)
        return found


def read_shards(folder: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield the Datasets of all parts of a finished run, in order and in blocks."""
    from .hdf5_reading import read_hdf5

    for path in complete_parts(folder):
        if path.suffix == LIST:
            raise FormatError(f"{folder}: holds one file a sample; read it by its plugin's formats")
        yield from read_hdf5(path, block_rows=block_rows)


class _Extent:
    """Counts samples as they pass, and keeps the identities of the first and the last."""

    def __init__(self) -> None:
        self.rows = 0
        self.first: int | None = None
        self.last: int | None = None

    def watch(self, blocks: Iterable[xr.Dataset]) -> Iterator[xr.Dataset]:
        for block in blocks:
            n = rows(block)
            if n:
                identity = block[SAMPLE].values
                self.first = int(identity[0]) if self.first is None else self.first
                self.last = int(identity[-1])
            self.rows += n
            yield block
