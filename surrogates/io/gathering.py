"""Folders that tasks of one run filled apart, joined into one: each holds some parts and the same provenance."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .atomic import whole
from .formats import FileFormatError, FormatError
from .manifest import check_part, finished, read_manifest, records_of, write_json
from .sample_files import LIST
from .shards import Shards


def gather(folders: Sequence[str | Path], output: str | Path) -> dict[str, Any]:
    """Put the parts of several folders of one run into one folder, whose manifest is that of a run into it alone.

    Parts are linked where they lie on the file system of `output`, else copied; their SHA-256 are checked first. What
    is there already stays: a call that was interrupted goes on, and more folders may be added later.

    Parameters
    ----------
    folders : sequence of path
        Each from `surrogates generate … --shard i/n` into a folder of its own.
    output : path
        Created where it does not exist.

    Returns
    -------
    dict
        The manifest; `complete` says whether all parts of the run are there.

    Raises
    ------
    FormatError
        The folders are of different runs; names the first entry that differs.
    FileFormatError
        A folder that holds no run, a damaged part, or two folders with different bytes of one part.
    OutputError
        The output cannot be written.
    """
    chosen: dict[int, tuple[Path, dict[str, Any]]] = {}
    first: dict[str, Any] = {}
    for folder in map(Path, folders):
        manifest = read_manifest(folder)
        first = first or manifest
        _compare(first, manifest, Path(folders[0]), folder)
        for record in records_of(folder, manifest["n_shards"]):
            if Path(record["file"]).suffix == LIST:
                raise FormatError(f"{folder}: holds one file a sample; have the tasks fill one folder instead")
            index = int(Path(record["file"]).stem.removeprefix("part-"))
            other, there = chosen.setdefault(index, (folder, record))
            if there["sha256"] != record["sha256"]:
                raise FileFormatError(f"{folder / record['file']}: differs from that in {other}; remove one of them")
    output = Path(output)
    run = Shards(output, first["n_shards"], first["provenance"])
    with run.begun(resume=True, overwrite=False) as lock:
        for index, (folder, record) in sorted(chosen.items()):
            there = finished(output, index)
            if there is not None and there["sha256"] == record["sha256"]:
                continue
            if there is not None:
                raise FileFormatError(f"{output / record['file']}: differs from that in {folder}; remove one of them")
            check_part(folder / record["file"], record)
            target = output / record["file"]
            with whole(target) as temporary:
                _link_or_copy(folder / record["file"], temporary)
                lock.check()
                write_json(target.with_suffix(".json"), record)
    return read_manifest(output)


def _compare(first: dict[str, Any], other: dict[str, Any], one: Path, folder: Path) -> None:
    before = {"n_shards": first["n_shards"], **first["provenance"]}
    now = {"n_shards": other["n_shards"], **other["provenance"]}
    for key in sorted(set(before) | set(now)):
        if before.get(key) != now.get(key):
            found, expected = (json.dumps(side.get(key))[:80] for side in (now, before))
            raise FormatError(f"{folder}: has {key} = {found}, {one} has {expected}; they are of different runs")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
