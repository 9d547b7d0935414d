"""The manifest of a folder of parts and the record of each part: written whole, and checked before use."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import remove_leftovers, whole
from .formats import FileFormatError, FormatError
from .locks import one_at_a_time

MANIFEST = "manifest.json"
FORMAT = "surrogates-shards"
VERSION = 1
MOST_SHARDS = 100_000
_PART = re.compile(r"part-\d{5,}\.(nc|sha256)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def part_name(index: int, suffix: str = ".nc") -> str:
    """Return the file name of part `index`: a NetCDF-4 file, or the list of its files of one sample each."""
    return f"part-{index:05d}{suffix}"


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
    n, parts = manifest.get("n_shards"), manifest.get("parts")
    if not isinstance(n, int) or not 1 <= n <= MOST_SHARDS or not isinstance(parts, list) or len(parts) > n:
        raise FileFormatError(f"{path}: expected entries 'n_shards' (1 to {MOST_SHARDS}) and 'parts', at most so many")
    if not isinstance(manifest.get("provenance"), dict) or not isinstance(manifest.get("complete"), bool):
        raise FileFormatError(f"{path}: expected entries 'provenance' (a mapping) and 'complete' (true or false)")
    for part in parts:
        _check_record(path, part)
    names = [part["file"] for part in parts]
    suffix = Path(names[0]).suffix if names else ".nc"
    if manifest["complete"] and names != [part_name(index, suffix) for index in range(n)]:
        raise FileFormatError(f"{path}: the parts of a complete run are {part_name(0)} to {part_name(n - 1)}, in order")
    return manifest


def _check_record(path: Path, record: Any) -> None:
    """Refuse a part's record that is not of the size and type that ours have."""
    if not isinstance(record, dict):
        raise FileFormatError(f"{path}: expected the record of a part, a mapping")
    digest, name = record.get("sha256"), record.get("file")
    if not isinstance(name, str) or not _PART.fullmatch(name):
        raise FileFormatError(f"{path}: 'file' is {str(name)[:80]!r}; expected the name of a part in this folder")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise FileFormatError(f"{path}: 'sha256' of {name} is {str(digest)[:80]!r}; expected 64 hexadecimal digits")
    for key in ("rows", "bytes"):
        if not _whole_number(record.get(key), 0, 1 << 62):
            raise FileFormatError(f"{path}: {key!r} of {name} is {str(record.get(key))[:80]!r}; expected a number")


def _whole_number(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


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
        missing = manifest["n_shards"] - len(records_of(folder, manifest["n_shards"]))
        raise FileFormatError(f"{folder}: {missing} of {manifest['n_shards']} parts are missing; resume the run first")
    return [folder / part["file"] for part in manifest["parts"]]


def finished(folder: Path, index: int) -> dict[str, Any] | None:
    """Return the record of a part that is whole, None where it has to be written.

    Raises
    ------
    FileFormatError
        The record is damaged, or the part has another size than it says.
    """
    record_path = folder / part_name(index, ".json")
    path = next((p for suffix in (".nc", ".sha256") if (p := record_path.with_suffix(suffix)).exists()), None)
    if path is None or not record_path.exists():
        return None
    record = _read_json(record_path)
    try:
        _check_record(record_path, record)
    except FileFormatError as error:
        raise FileFormatError(f"{error}; delete it and {path.name} to have the part made again") from None
    if record["file"] != path.name:
        raise FileFormatError(f"{record_path}: the record of {record['file']}, expected {path.name}; delete both")
    if path.stat().st_size != record["bytes"]:
        raise FileFormatError(f"{path}: {path.stat().st_size} bytes, expected {record['bytes']}; delete it to redo it")
    return record


def check_part(path: Path, record: Mapping[str, Any]) -> None:
    """Raise FileFormatError where a part is not the file that its record describes."""
    if sha256(path) != record["sha256"]:
        raise FileFormatError(
            f"{path}: altered since it was written (its SHA-256 is not the record's); delete it to have it made again"
        )


def records_of(folder: Path, n_shards: int) -> list[dict[str, Any]]:
    """Return the records of the parts that are whole."""
    found = (finished(folder, index) for index in range(n_shards))
    return [record for record in found if record is not None]


def write_manifest(folder: Path, n_shards: int, provenance: Mapping[str, Any], records: list[dict[str, Any]]) -> None:
    """Write the manifest of a folder that other writers may share."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "n_shards": n_shards,
        "provenance": provenance,
        "complete": len(records) == n_shards,
        "rows": sum(record["rows"] for record in records),
        "parts": records,
    }
    path = folder / MANIFEST
    with one_at_a_time(folder):
        remove_leftovers(path)
        try:
            write_json(path, content)
        except FileNotFoundError:  # a writer on another machine took the temporary file for a killed one's
            write_json(path, content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as a JSON file, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(f"{path.parent}: expected a folder of shards with a {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: expected JSON; {error}") from None


def as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON gives back of a mapping."""
    return json.loads(json.dumps(content, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise FormatError(f"the provenance holds a {type(value).__name__}; expected what JSON can hold")
