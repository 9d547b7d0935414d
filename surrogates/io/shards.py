"""A long run as a folder of immutable parts and a manifest: killed at any moment, it resumes byte for byte.

A part is written under a temporary name, fsynced, recorded beside itself (``part-00000.json``) and only then renamed: a
part that has its final name is whole. Several machines may write different parts of one folder; whoever ends last
completes ``manifest.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .atomic import output_error, replacing
from .blocks import SAMPLE, rows
from .formats import FileFormatError, FormatError, OutputError

if TYPE_CHECKING:
    import xarray as xr

MANIFEST = "manifest.json"
FORMAT = "surrogates-shards"
VERSION = 1


def part_name(index: int) -> str:
    """Return the file name of part `index`."""
    return f"part-{index:05d}.nc"


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
    if n_shards < 1:
        raise FormatError(f"n_shards = {n_shards}; expected at least 1")
    if not 1 <= shard[0] <= shard[1]:
        raise FormatError(f"shard = {shard[0]}/{shard[1]}; expected i/n with 1 <= i <= n")
    folder = Path(folder)
    run = {
        "format": FORMAT,
        "version": VERSION,
        "n_shards": n_shards,
        "provenance": json.loads(json.dumps(provenance, default=_plain)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    if overwrite and not resume:
        _clear(folder)
    manifest = _ManifestWriter(folder, run, shard)
    manifest.begin(resume or shard[1] > 1)
    for index in range(shard[0] - 1, n_shards, shard[1]):
        record = _finished(folder, index)
        if record is None:
            options = {"compression": compression, "ragged": ragged, "rows_per_file": rows_per_shard}
            record = _write_part(folder, index, blocks_of(index), dict(machine or {}), options)
        if on_part:
            on_part(index, record["rows"])
    manifest.complete()


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return the manifest of a folder of shards.

    Raises
    ------
    FileFormatError
        Where there is none, or it is not one of ours.
    """
    path = Path(folder) / MANIFEST
    manifest = _read_json(path)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileFormatError(f"{path}: expected a manifest of format {FORMAT!r}")
    if manifest.get("version") != VERSION:
        raise FileFormatError(f"{path}: version {manifest.get('version')!r}, expected {VERSION}")
    parts = manifest.get("parts")
    if not isinstance(manifest.get("n_shards"), int) or not isinstance(parts, list):
        raise FileFormatError(f"{path}: expected entries 'n_shards' and 'parts'")
    for part in parts:
        if not (isinstance(part, dict) and isinstance(part.get("file"), str) and isinstance(part.get("rows"), int)):
            raise FileFormatError(f"{path}: each part should have a 'file' and its 'rows'")
        if Path(part["file"]).name != part["file"]:
            raise FileFormatError(f"{path}: {part['file']!r} is not a file name in this folder")
    return manifest


def complete_parts(folder: str | Path) -> list[Path]:
    """Return the parts of a finished run, in order.

    Raises
    ------
    FileFormatError
        Where the run is not finished.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not manifest.get("complete"):
        missing = manifest["n_shards"] - len(_records(folder, manifest["n_shards"]))
        raise FileFormatError(f"{folder}: {missing} of {manifest['n_shards']} parts are missing; resume the run first")
    return [folder / part["file"] for part in manifest["parts"]]


def read_shards(folder: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield the Datasets of all parts of a finished run, in order and in blocks."""
    from .hdf5_reading import read_hdf5

    for path in complete_parts(folder):
        yield from read_hdf5(path, block_rows=block_rows)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_part(
    folder: Path, index: int, blocks: Iterable[xr.Dataset], machine: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    from .hdf5_writing import fill_hdf5

    target = folder / part_name(index)
    extent = _Extent()
    with replacing(target, overwrite=True) as temporary:
        fill_hdf5(extent.watch(blocks), temporary, **options)
        record = {
            "file": target.name,
            "sha256": sha256(temporary),
            "bytes": temporary.stat().st_size,
            "rows": extent.rows,
            "first_sample": extent.first,
            "last_sample": extent.last,
            "machine": json.loads(json.dumps(machine, default=_plain)),
        }
        _sync(temporary)
        _write_json(target.with_suffix(".json"), record)
    return record


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


def _finished(folder: Path, index: int) -> dict[str, Any] | None:
    """Return the record of a part that is whole, None where it has to be written."""
    path = folder / part_name(index)
    record_path = path.with_suffix(".json")
    if not (path.exists() and record_path.exists()):
        return None
    record = _read_json(record_path)
    if not isinstance(record, dict) or not {"file", "sha256", "bytes", "rows"} <= set(record):
        raise FileFormatError(f"{record_path}: expected the record of {path.name}; delete both to have it made again")
    if path.stat().st_size != record["bytes"]:
        raise FileFormatError(f"{path}: {path.stat().st_size} bytes, expected {record['bytes']}; delete it to redo it")
    return record


def _records(folder: Path, n_shards: int) -> list[dict[str, Any]]:
    found = (_finished(folder, index) for index in range(n_shards))
    return [record for record in found if record is not None]


class _ManifestWriter:
    """Begins and completes the manifest of a folder that other writers may share."""

    def __init__(self, folder: Path, run: dict[str, Any], shard: tuple[int, int]) -> None:
        self.folder = folder
        self.run = run
        self.path = folder / MANIFEST
        self.temporary = folder / f".{MANIFEST}.{shard[0]}-of-{shard[1]}.tmp"

    def begin(self, join: bool) -> None:
        if not self.path.exists():
            self._write({"complete": False, "parts": []})
            return
        if not join:
            raise OutputError(f"{self.folder} holds a run already; resume it, overwrite it or choose another folder")
        there, n = read_manifest(self.folder), self.run["n_shards"]
        if there["n_shards"] != n:
            raise FormatError(f"{self.folder}: the run there has {there['n_shards']} parts, this one {n}")
        before, now = there.get("provenance", {}), self.run["provenance"]
        for key in sorted(set(before) | set(now)):
            if before.get(key) != now.get(key):
                found, given = (json.dumps(side.get(key))[:80] for side in (before, now))
                advice = "choose another folder"
                raise FormatError(f"{self.folder}: the run there has {key} = {found}, this one {given}; {advice}")

    def complete(self) -> None:
        """Write the manifest from the records of the parts; again where another writer ended meanwhile."""
        written = -1
        while written != len(records := _records(self.folder, self.run["n_shards"])):
            written = len(records)
            whole = written == self.run["n_shards"]
            try:
                self._write({"complete": whole, "rows": sum(record["rows"] for record in records), "parts": records})
            except OutputError:  # a writer that ended meanwhile takes this one's temporary file for a killed one's
                if not read_manifest(self.folder)["complete"]:
                    raise
        if written == self.run["n_shards"]:
            for left_by_a_killed_writer in self.folder.glob(f".{MANIFEST}.*.tmp"):
                left_by_a_killed_writer.unlink(missing_ok=True)

    def _write(self, content: Mapping[str, Any]) -> None:
        _write_json(self.path, {**self.run, **content}, self.temporary)


def _clear(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        read_manifest(folder)
    for pattern in (MANIFEST, "part-*.nc", "part-*.json", ".part-*.tmp"):
        for path in folder.glob(pattern):
            path.unlink()


def _write_json(path: Path, content: Mapping[str, Any], temporary: Path | None = None) -> None:
    with replacing(path, overwrite=True, temporary=temporary) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(f"{path.parent}: expected a folder of shards with a {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: expected JSON; {error}") from None


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise FormatError(f"the provenance holds a {type(value).__name__}; expected what JSON can hold")
