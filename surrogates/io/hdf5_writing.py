"""Datasets streamed into one HDF5 file that is also a NetCDF-4 file: memory stays that of one block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5netcdf
import h5py
import hdf5plugin
import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, count_variables, gather, rows
from .conventions import in_file
from .formats import FormatError
from .hdf5_disk import writable_hdf5
from .ragged import check_counts, pack, real_entries

if TYPE_CHECKING:
    import xarray as xr

Compression = Literal["none", "zstd", "gzip"]

CHUNK_BYTES = 1 << 20
CHUNK_ROWS = 1 << 14
PADDED_SIZE = "padded_size"
COUNTED_BY_NAME = "counted_by_name"


@dataclass(frozen=True)
class _Column:
    """How one variable lies on disk."""

    name: str
    dims: tuple[str, ...]
    dtype: Any
    item: tuple[int, ...]
    ragged: str | None
    attrs: dict[str, Any]

    @property
    def streamed(self) -> bool:
        return self.ragged is not None or self.dims[:1] == (SAMPLE,)

    def chunk_rows(self, available: int | None, divisor_of: int | None) -> int:
        size = 16 if self.dtype == h5py.string_dtype() else np.dtype(self.dtype).itemsize
        most = max(1, CHUNK_BYTES // max(1, size * int(np.prod(self.item))))
        most = most if self.ragged else min(most, CHUNK_ROWS)
        if divisor_of and not self.ragged:
            return max(step for step in range(1, min(most, divisor_of) + 1) if divisor_of % step == 0)
        return max(1, min(most, available)) if available is not None else most


def filters(compression: Compression) -> dict[str, Any]:
    """Return h5py's dataset options for a compression: checksums always, shuffle where anything is compressed.

    Raises
    ------
    FormatError
        For an unknown compression.
    """
    if compression == "none":
        return {"fletcher32": True}
    if compression == "gzip":
        return {"fletcher32": True, "shuffle": True, "compression": "gzip", "compression_opts": 1}
    if compression == "zstd":
        return {"fletcher32": True, "shuffle": True, **hdf5plugin.Zstd(clevel=1)}
    raise FormatError(f"compression is {compression!r}; expected none, zstd or gzip")


def write_hdf5(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    compression: Compression = "none",
    ragged: bool = True,
    rows_per_file: int | None = None,
    final_attrs: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Write blocks into one file, whole or not at all.

    Parameters
    ----------
    blocks : iterable of Dataset
        Leading dimension `sample`; all share one schema. A single zero-length block gives a valid empty file.
    target : path
        Written under a temporary name, fsynced, renamed.
    overwrite : bool
        Whether an existing file may be replaced.
    compression : {"none", "zstd", "gzip"}
        Every variable is checksummed (Fletcher-32); Zstandard and gzip at level 1 with byte shuffling on request.
    ragged : bool
        Store (sample, dim, ...) variables whose `dim` has a count variable as CF contiguous ragged arrays, without
        their padding; otherwise padded. Reading restores the padded form either way.
    rows_per_file : int, optional
        The number of samples of each of several files that :func:`surrogates.io.merge` should join by copying
        chunks: chunks then divide it.
    final_attrs : callable, optional
        Called after the last block; its global attributes are added to those of the first block.

    Raises
    ------
    FormatError
        Where a Dataset cannot be stored; names the variable or attribute.
    OutputError
        Where the file exists or cannot be written.
    """
    with replacing(Path(target), overwrite=overwrite, sealed=True) as temporary:
        fill_hdf5(
            blocks,
            temporary,
            compression=compression,
            ragged=ragged,
            rows_per_file=rows_per_file,
            final_attrs=final_attrs,
        )


def fill_hdf5(
    blocks: Iterable[xr.Dataset],
    path: Path,
    *,
    compression: Compression = "none",
    ragged: bool = True,
    rows_per_file: int | None = None,
    final_attrs: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Write blocks into `path` as they come: :func:`write_hdf5` without its temporary name."""
    options = filters(compression)
    stream = iter(blocks)
    first, finished = gather(stream, CHUNK_ROWS)
    with writable_hdf5(path) as output:
        table = _create(output.file, first, options, ragged, rows_per_file, rows(first) if finished else None)
        table.append(first)
        for block in stream:
            output.check()
            check_same_schema(first, block)
            table.append(block)
        for key, value in (final_attrs() if final_attrs else {}).items():
            output.file.attrs[key] = encode_attr("global", key, value)


def encode_attr(owner: str, key: str, value: Any) -> Any:
    """Return an attribute's value as HDF5 stores it.

    Raises
    ------
    FormatError
        For values other than text, numbers and flat sequences of them; names the attribute.
    """
    if isinstance(value, str):
        encoded: Any = value
    elif isinstance(value, bool | np.bool_):
        encoded = np.int8(value)
    else:
        encoded = np.asarray(value)
        if encoded.dtype.kind == "U":
            encoded = encoded.astype(h5py.string_dtype())
        elif encoded.dtype.kind == "b":
            encoded = encoded.astype(np.int8)
        if encoded.dtype.kind not in "iufO" or encoded.ndim > 1 or (encoded.dtype.kind == "O" and value is None):
            raise FormatError(f"{owner}: attribute {key!r} is {type(value).__name__}; expected text or numbers")
        if encoded.dtype.kind == "O" and not all(isinstance(entry, str) for entry in encoded.ravel()):
            raise FormatError(f"{owner}: attribute {key!r} is {type(value).__name__}; expected text or numbers")
    size = len(encoded.encode()) if isinstance(encoded, str) else encoded.nbytes
    if size > 60_000:
        raise FormatError(f"{owner}: attribute {key!r} has {size} bytes; HDF5 attributes hold 60000 at most")
    return encoded


def encode_values(name: str, values: np.ndarray) -> np.ndarray:
    """Return a variable's values as HDF5 stores them: booleans as int8, text as variable-length UTF-8."""
    if values.dtype.kind == "b":
        return values.astype(np.int8)
    if values.dtype.kind in "iuf":
        return values
    if values.dtype.kind == "U" or (values.dtype.kind == "O" and all(isinstance(x, str) for x in values.ravel())):
        return values.astype(object)
    raise FormatError(f"{name}: type {values.dtype} cannot be stored; expected numbers, booleans or text")


def datasets(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """Return the arrays that lie directly in `group`, by name."""
    return {name: entry for name, entry in group.items() if isinstance(entry, h5py.Dataset)}


class _Table:
    """Appends blocks to the open file."""

    def __init__(self, file: h5py.File, columns: tuple[_Column, ...], counts: Mapping[str, str]) -> None:
        self.columns = columns
        self.counts = counts
        arrays = datasets(file)
        self.handles = {column.name: arrays[column.name] for column in columns}
        self.scales = {dim: arrays[dim] for dim in (SAMPLE, *counts)}
        self.static_written = False

    def append(self, block: xr.Dataset) -> None:
        n = rows(block)
        masks = {}
        for dim, name in self.counts.items():
            check_counts(name, block[name].values, dim, block.sizes[dim])
            masks[dim] = real_entries(block[name].values, block.sizes[dim])
        for column in self.columns:
            values = encode_values(column.name, block.variables[column.name].values)
            handle = self.handles[column.name]
            if not column.streamed:
                if not self.static_written:
                    handle[...] = values
                continue
            if column.ragged in masks:
                values = pack(column.name, values, masks[column.ragged])
            if len(values):
                start = handle.shape[0]
                handle.resize(start + len(values), axis=0)
                handle[start:] = values
        self.static_written = True
        grown = {SAMPLE: n} | {dim: int(mask.sum()) for dim, mask in masks.items()}
        for dim, scale in self.scales.items():
            if dim not in self.handles and grown[dim]:
                scale.resize(scale.shape[0] + grown[dim], axis=0)


def _create(
    file: h5py.File,
    first: xr.Dataset,
    options: Mapping[str, Any],
    ragged: bool,
    rows_per_file: int | None,
    available: int | None,
) -> _Table:
    counts = {dim: name for dim, name in count_variables(first).items() if ragged and _can_be_ragged(first, dim)}
    columns = tuple(_column(first, str(name), counts) for name in first.variables)
    with h5netcdf.File(file, "w") as netcdf:
        for dim, size in first.sizes.items():
            netcdf.dimensions[str(dim)] = None if dim == SAMPLE or dim in counts else size
        for key, value in {"Conventions": "CF-1.12", **first.attrs, **_coordinates(first)}.items():
            file.attrs[str(key)] = encode_attr("global", str(key), value)
        lengths = {dim: int(first.variables[name].values.sum()) for dim, name in counts.items()}
        for column in columns:
            if column.streamed:
                there = lengths[column.ragged] if column.ragged else available
                chunk = column.chunk_rows(there if available is not None else None, rows_per_file)
                layout = {"chunks": (chunk, *(max(1, size) for size in column.item))}
                layout |= {} if column.dtype == h5py.string_dtype() else dict(options)
            else:
                layout = {}
            netcdf.create_variable(column.name, column.dims, column.dtype, **layout)
            handle = file[column.name]
            for key, value in column.attrs.items():
                handle.attrs[key] = encode_attr(column.name, key, value)
    return _Table(file, columns, counts)


def _column(first: xr.Dataset, name: str, counts: Mapping[str, str]) -> _Column:
    variable = first.variables[name]
    dims = tuple(map(str, variable.dims))
    if SAMPLE in dims[1:]:
        raise FormatError(f"{name}: dimensions are {dims}; {SAMPLE!r} must come first")
    attrs = in_file({str(key): value for key, value in variable.attrs.items()})
    if variable.dtype.kind == "b":
        attrs["dtype"] = "bool"
    for dim, count in counts.items():
        if name == count:
            attrs |= {PADDED_SIZE: first.sizes[dim]}
            attrs |= {} if "sample_dimension" in attrs else {"sample_dimension": dim, COUNTED_BY_NAME: True}
    values = encode_values(name, variable.values)
    dtype = h5py.string_dtype() if values.dtype.kind == "O" else values.dtype
    inner = dims[1] if dims[:1] == (SAMPLE,) and len(dims) > 1 and dims[1] in counts else None
    on_disk = dims[1:] if inner else dims
    item = tuple(variable.sizes[dim] for dim in (on_disk[1:] if inner or dims[:1] == (SAMPLE,) else on_disk))
    return _Column(name, on_disk, dtype, item, inner, attrs)


def _can_be_ragged(dataset: xr.Dataset, dim: str) -> bool:
    users = [variable.dims for variable in dataset.variables.values() if dim in variable.dims]
    return bool(users) and all(dims[:2] == (SAMPLE, dim) and dims.count(dim) == 1 for dims in users)


def _coordinates(dataset: xr.Dataset) -> dict[str, str]:
    auxiliary = [str(name) for name in dataset.coords if name not in dataset.dims]
    return {"coordinates": " ".join(auxiliary)} if auxiliary else {}
