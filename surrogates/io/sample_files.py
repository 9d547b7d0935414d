"""One file a sample: a part of a run is then the list of its files with their SHA-256, as ``sha256sum`` writes it.

The files of a part are whole before their list appears, so that a run of them is killed, resumed, shared and checked as
a run of any other parts; ``sha256sum -c part-00000.sha256`` checks one without this package.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .atomic import sync_folder
from .blocks import SAMPLE, rows
from .formats import FileFormatError, Format, FormatError, named_errors
from .manifest import complete_parts, read_manifest, sha256

if TYPE_CHECKING:
    import xarray as xr

LIST = ".sha256"
_LINE = re.compile(r"([0-9a-f]{64})  (sample--?\d{9,20}(?:\.[A-Za-z0-9]+)+)")
_IDENTITY = re.compile(r"sample-(-?\d+)\.")


def sample_name(identity: int, suffix: str) -> str:
    """The file name of the sample of that identity."""
    return f"sample-{identity:09d}{suffix}"


def fill_list(blocks: Iterable[xr.Dataset], target: Path, folder: Path, file_format: Format) -> None:
    """Write each sample into a file of its own in `folder`, then the list of them into `target`."""
    lines = []
    left: dict[str, list[Path]] = {}
    for path in folder.glob(".sample-*.tmp"):
        left.setdefault(path.name[1:].rsplit(".", 2)[0], []).append(path)
    for block in blocks:
        for row, identity in enumerate(block[SAMPLE].values.tolist()):
            path = folder / sample_name(identity, file_format.suffixes[0])
            for killed in left.pop(path.name, ()):
                killed.unlink(missing_ok=True)
            temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
            try:
                file_format.write([block.isel({SAMPLE: slice(row, row + 1)})], temporary, overwrite=True)
                lines.append(f"{sha256(temporary)}  {path.name}\n")
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
    for line in lines:  # a list is written when all that it names is on the disk
        with open(folder / line[66:-1], "rb+") as written:
            os.fsync(written.fileno())
    sync_folder(folder)
    target.write_text("".join(lines), encoding="ascii")


def listed(part: Path) -> list[tuple[Path, str]]:
    """The files of a part and their SHA-256, in order.

    Raises
    ------
    FileFormatError
        A list that does not read.
    """
    try:
        text = part.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{part}: expected a list of files; {error}") from None
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise FileFormatError(f"{part}: {line[:80]!r}; expected a SHA-256 and the name of a sample's file")
        found.append((part.parent / match[2], match[1]))
    return found


def problems_of(part: Path) -> tuple[int, list[str]]:
    """Number of files that a list names, and one line for each that is missing or altered."""
    try:
        found = listed(part)
    except FormatError as error:
        return 0, [str(error)]
    problems = []
    for path, digest in found:
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif sha256(path) != digest:
            problems.append(f"{path}: altered: its SHA-256 is not that of {part.name}")
    return len(found), problems


def format_of(folder: str | Path) -> str | None:
    """Name of the format of a run of one file a sample, None of any other run."""
    named = read_manifest(folder)["provenance"].get("format")
    return str(named) if named is not None else None


def read_sample_files(folder: str | Path, file_format: Format) -> Iterator[xr.Dataset]:
    """Yield the samples of a finished run, one at a time, with the identities that their files' names give.

    Raises
    ------
    FileFormatError
        The run is not finished, or a file is missing or holds another number of samples.
    FormatError
        The format can only be written.
    """
    if file_format.read is None:
        raise FormatError(f"{folder}: the format {file_format.name} can be written, not read")
    for part in complete_parts(folder):
        for path, _ in listed(part):
            if not path.is_file():
                raise FileFormatError(f"{path}: missing; {part.name} lists it")
            for block in named_errors(path, file_format.read, f"a sample in {file_format.name}"):
                if rows(block) != 1:
                    raise FileFormatError(f"{path}: {rows(block)} samples; expected one")
                match = _IDENTITY.match(path.name)
                assert match is not None
                yield block.assign_coords({SAMPLE: (SAMPLE, [int(match[1])])})


def remove_listed(part: Path) -> None:
    """Remove a list and the files that it names."""
    for path, _ in listed(part) if part.exists() else ():
        path.unlink(missing_ok=True)
    part.unlink(missing_ok=True)
