"""What is wrong with a file or a folder of shards, as a list that is empty where nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .formats import FileFormatError, Format, FormatError, named_errors
from .hdf5_reading import read_hdf5
from .manifest import MANIFEST, read_manifest, sha256
from .sample_files import LIST, problems_of
from .seals import check_parquet_seal, check_seal
from .smiles import survey


def verify(path: str | Path, *, file_format: Format | None = None) -> list[str]:
    """Check a file, or every part of a folder of shards.

    Parameters
    ----------
    path : path
        A NetCDF-4 or HDF5 file, a folder of shards, or a file of `file_format`.
    file_format : Format, optional
        How to read the file where it is neither.

    Returns
    -------
    list of str
        One line for each problem: what is missing, altered (SHA-256), truncated, of another length than the manifest
        says, or not a finite number. NaN is no problem in a variable whose attribute `missing_value` is NaN.
    """
    path = Path(path)
    if path.is_dir():
        return _folder_problems(path)
    return _file_problems(path, file_format)[1]


def carries_digest(path: Path) -> bool:
    """Whether anything in a file, or a folder of shards, would tell that one of its bits was altered.

    Raises
    ------
    FileFormatError
        Altered since it was sealed.
    """
    if path.is_dir():
        return (path / MANIFEST).exists()
    with open(path, "rb") as file:
        start = file.read(2880)
    if start.startswith(b"\x1f\x8b"):
        return True  # gzip ends with a CRC-32
    if start.startswith(b"SIMPLE  ="):
        return b"CHECKSUM=" in start
    if start.startswith(b"PAR1"):
        return check_parquet_seal(path)
    if path.suffix.lower() == ".sdf":
        sealed, altered, _ = survey(path)
        if altered:
            raise FileFormatError(
                f"{path}: altered since it was written: record {altered[0]} (of {len(altered)} such) is not what its "
                "SHA-256 was taken of"
            )
        return sealed > 0
    return check_seal(path)


def _folder_problems(folder: Path) -> list[str]:
    try:
        manifest = read_manifest(folder)
    except FormatError as error:
        return [str(error)]
    problems = []
    parts = manifest["parts"]
    if not manifest.get("complete"):
        there = len([*folder.glob("part-*.nc"), *folder.glob(f"part-*{LIST}")])
        problems.append(f"{folder}: the run is not finished, {there} of {manifest['n_shards']} parts are there")
        parts = []
    elif len(parts) != manifest["n_shards"]:
        problems.append(f"{folder}: the manifest lists {len(parts)} parts, expected {manifest['n_shards']}")
    if manifest.get("rows", 0) != sum(part["rows"] for part in manifest["parts"]):
        problems.append(f"{folder}: the manifest says {manifest.get('rows')} samples; its parts do not add up to that")
    for part in parts:
        file = folder / part["file"]
        if not file.is_file():
            problems.append(f"{file}: missing")
            continue
        if file.stat().st_size != part.get("bytes"):
            problems.append(f"{file}: {file.stat().st_size} bytes, expected {part.get('bytes')}: truncated or altered")
        elif sha256(file) != part.get("sha256"):
            problems.append(f"{file}: altered: its SHA-256 is not the manifest's")
        n, found = problems_of(file) if file.suffix == LIST else _file_problems(file, None)
        problems.extend(found)
        if not found and n != part["rows"]:
            problems.append(f"{file}: {n} samples, expected {part['rows']}")
    known = {part["file"] for part in parts}
    there = [*folder.glob("part-*.nc"), *folder.glob(f"part-*{LIST}")]
    extra = sorted(file.name for file in there if parts and file.name not in known)
    return problems + [f"{folder / name}: not in the manifest" for name in extra]


def _file_problems(path: Path, file_format: Format | None) -> tuple[int, list[str]]:
    read = file_format.read if file_format and file_format.read else read_hdf5
    n = 0
    bad: dict[str, list[int]] = {}
    try:
        for block in named_errors(path, read, file_format.description if file_format else "NetCDF-4 or HDF5"):
            for name, variable in block.variables.items():
                if variable.dtype.kind != "f" or not variable.size:
                    continue
                wrong = ~np.isfinite(variable.values)
                if _may_miss(variable.attrs):
                    wrong &= ~np.isnan(variable.values)
                if wrong.any():
                    first = int(np.argwhere(wrong)[0][0]) + n
                    bad.setdefault(str(name), [0, first])[0] += int(wrong.sum())
            n += block.sizes["sample"]
    except FormatError as error:
        return n, [str(error)]
    lines = [
        f"{path}: {name} has {count} values that are not finite, first in row {row}"
        for name, (count, row) in bad.items()
    ]
    return n, lines


def _may_miss(attrs: dict[str, object]) -> bool:
    missing = attrs.get("missing_value")
    return isinstance(missing, float | np.floating) and bool(np.isnan(missing))
