"""Shards joined into one file by copying their chunks as they are, without decompressing them."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers its filters)

from .atomic import replacing
from .blocks import SAMPLE
from .formats import FileFormatError, FormatError
from .hdf5_disk import writable_hdf5
from .hdf5_writing import PADDED_SIZE, datasets
from .manifest import complete_parts, read_manifest, sha256
from .sample_files import LIST

SLAB_BYTES = 1 << 26


def merge(folder: str | Path, output: str | Path, *, overwrite: bool = False) -> None:
    """Join the parts of a finished run into one NetCDF-4 file.

    Chunks are copied compressed where a part starts on a chunk's edge, else their values are written anew; either way
    the file equals the parts read one after the other. Their SHA-256 are checked first.
    Memory stays that of one chunk or of 64 MB.

    Parameters
    ----------
    folder : path
        From :func:`surrogates.io.write_shards`.
    output : path
        ``.nc`` or ``.h5``; the layout is that of the parts.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileFormatError
        Where the run is not finished, a part is missing or damaged, or the parts do not fit together.
    OutputError
        Where the output exists or cannot be written.
    """
    records = {record["file"]: record["sha256"] for record in read_manifest(folder)["parts"]}
    first, *others = complete_parts(folder)
    if first.suffix == LIST:
        raise FormatError(f"{folder}: holds one file a sample; read it with `surrogates convert`")
    for path in (first, *others):
        if not path.is_file():
            raise FileFormatError(f"{path}: the manifest names this part, but it is not there")
        if sha256(path) != records[path.name]:
            raise FileFormatError(f"{path}: altered since it was written (its SHA-256 is not the manifest's)")
    with replacing(Path(output), overwrite=overwrite, sealed=True) as temporary:
        shutil.copyfile(first, temporary)
        with writable_hdf5(temporary, "r+") as joined:
            targets = datasets(joined.file)
            for path in others:
                joined.check()
                with h5py.File(path, "r") as part:
                    sources = datasets(part)
                    _check_fit(targets, sources, path)
                    for name, target in targets.items():
                        if target.maxshape and target.maxshape[0] is None:
                            _append(target, sources[name])


def _check_fit(joined: dict[str, h5py.Dataset], part: dict[str, h5py.Dataset], path: Path) -> None:
    if set(joined) != set(part):
        differing = ", ".join(sorted(set(joined) ^ set(part)))
        raise FileFormatError(f"{path}: the parts do not hold the same variables: {differing}")
    if SAMPLE not in joined:
        raise FileFormatError(f"{path}: expected a dimension {SAMPLE!r}")
    for name, target in joined.items():
        source = part[name]
        if target.dtype != source.dtype or target.shape[1:] != source.shape[1:] or target.maxshape != source.maxshape:
            raise FileFormatError(
                f"{path}: {name} is {source.dtype} {source.shape}, in the first part {target.dtype} {target.shape}"
            )
        if target.attrs.get(PADDED_SIZE) != source.attrs.get(PADDED_SIZE):
            raise FileFormatError(f"{path}: {name} is stored ragged in one part and padded in another")


def _append(target: h5py.Dataset, source: h5py.Dataset) -> None:
    start, length = target.shape[0], source.shape[0]
    if not length:
        return
    target.resize(start + length, axis=0)
    if not target.id.get_num_chunks() and not source.id.get_num_chunks():
        return
    if _can_copy_chunks(target, source, start):
        for index in range(source.id.get_num_chunks()):
            offset = source.id.get_chunk_info(index).chunk_offset
            mask, raw = source.id.read_direct_chunk(offset)
            target.id.write_direct_chunk((offset[0] + start, *offset[1:]), raw, mask)
        return
    step = max(1, SLAB_BYTES // max(1, source.nbytes // length))
    for row in range(0, length, step):
        target[start + row : start + min(row + step, length)] = source[row : row + step]


def _can_copy_chunks(target: h5py.Dataset, source: h5py.Dataset, start: int) -> bool:
    return (
        target.chunks == source.chunks
        and target.chunks is not None
        and start % target.chunks[0] == 0
        and h5py.check_string_dtype(target.dtype) is None
        and _pipeline(target) == _pipeline(source)
    )


def _pipeline(dataset: h5py.Dataset) -> tuple[object, ...]:
    properties = dataset.id.get_create_plist()
    return tuple(properties.get_filter(index)[:3] for index in range(properties.get_nfilters()))
