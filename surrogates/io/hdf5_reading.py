"""HDF5 and NetCDF-4 files read back in blocks, with every check that a foreign or damaged file calls for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin  # noqa: F401  (registers its filters)
import numpy as np

from .blocks import SAMPLE
from .conventions import in_memory
from .formats import FileFormatError
from .hdf5_heaps import endless_heap
from .hdf5_writing import COUNTED_BY_NAME, PADDED_SIZE, datasets
from .packing import unpacked
from .ragged import check_counts, unpack
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

BLOCK_ROWS = 1 << 16
_HIDDEN = {
    "CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
    "_NCProperties",
}  # fmt: skip
_LISTS = {"flag_values", "flag_masks"}
_NOT_A_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"
_MOST_EXPANSION = 5_000


class _Unexpected(Exception):
    """What is wrong with the open file, in words that follow its name."""


def read_hdf5(path: str | Path, *, block_rows: int = BLOCK_ROWS) -> Iterator[xr.Dataset]:
    """Yield the Datasets of an HDF5 or NetCDF-4 file, in blocks of at most `block_rows` samples.

    Parameters
    ----------
    path : path
        A file with dimension scales, one of them `sample`; contiguous ragged variables come back padded.
    block_rows : int
        Memory stays that of one block.

    Yields
    ------
    Dataset
        At least one; a zero-length one for an empty file.

    Raises
    ------
    FileFormatError
        Where the file is foreign, truncated or altered: one line that names it and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder; give a file" if path.is_dir() else "does not exist"
        raise FileFormatError(f"{path} {what}")
    try:
        check_seal(path)
        if (heap := endless_heap(path)) is not None:
            raise _Unexpected(f"the heap at byte {heap} is damaged; expected an intact HDF5 or NetCDF-4 file")
        with h5py.File(path, "r") as file:
            contents = _Contents(file, path.stat().st_size)
            for start in range(0, max(contents.n, 1), block_rows):
                yield contents.block(start, min(start + block_rows, contents.n))
    except (FileFormatError, MemoryError, GeneratorExit):
        raise
    except _Unexpected as error:
        raise FileFormatError(f"{path}: {error}") from None
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(
            f"{path}: expected an HDF5 or NetCDF-4 file with dimension {SAMPLE!r}; {reason}"
        ) from None


class _Contents:
    """The variables of an open file and how to slice them."""

    def __init__(self, file: h5py.File, file_bytes: int) -> None:
        arrays = datasets(file)
        scales = {name: entry for name, entry in arrays.items() if entry.attrs.get("CLASS") == b"DIMENSION_SCALE"}
        if SAMPLE not in scales:
            found = ", ".join(sorted(arrays)[:6]) or "nothing"
            raise _Unexpected(f"expected a file with a dimension {SAMPLE!r}; found {found}")
        self.sizes = {name: _length(name, scale, arrays) for name, scale in scales.items()}
        self.n = self.sizes[SAMPLE]
        self.attrs = _decode_attrs(file.attrs)
        self.variables = {
            name: entry
            for name, entry in arrays.items()
            if not bytes(entry.attrs.get("NAME", b"") if name in scales else b"").startswith(_NOT_A_VARIABLE)
        }
        self.dims = {name: self._dims(name, entry) for name, entry in self.variables.items()}
        self.variable_attrs = {name: in_memory(_decode_attrs(entry.attrs)) for name, entry in self.variables.items()}
        listed = [self.attrs.pop("coordinates", ""), *(a.pop("coordinates", "") for a in self.variable_attrs.values())]
        self.auxiliary = {name for text in listed for name in str(text).split()}
        self.ragged: dict[str, tuple[str, int]] = {}
        self.offsets: dict[str, np.ndarray] = {}
        self._find_ragged()
        for name, entry in self.variables.items():
            self._check(name, entry, file_bytes)

    def _dims(self, name: str, entry: h5py.Dataset) -> tuple[str, ...]:
        if entry.shape is None:
            raise _Unexpected(f"{name}: expected an array, found a null dataspace")
        if name in self.sizes:
            if len(entry.shape) != 1:
                raise _Unexpected(f"{name}: expected a coordinate along one dimension, found {len(entry.shape)}")
            return (name,)
        dims = []
        for axis, scale in enumerate(entry.dims):
            if len(scale) == 0:
                raise _Unexpected(f"{name}: axis {axis} has no dimension scale; expected a NetCDF-4 file")
            dims.append(str(scale[0].name).split("/")[-1])
        for dim, size in zip(dims, entry.shape, strict=True):
            if self.sizes.get(dim) != size:
                raise _Unexpected(f"{name}: has {size} entries along {dim!r}, expected {self.sizes.get(dim)}")
        return tuple(dims)

    def _find_ragged(self) -> None:
        for name, attrs in self.variable_attrs.items():
            size = attrs.get(PADDED_SIZE)
            dim = attrs.get("sample_dimension")
            if size is None or dim is None:
                continue
            if dim not in self.sizes or self.dims[name] != (SAMPLE,) or self.variables[name].dtype.kind not in "iu":
                raise _Unexpected(f"{name}: expected an integer count of a dimension over {SAMPLE!r}")
            if not isinstance(size, int | np.integer) or not 0 <= size <= 1 << 24:
                raise _Unexpected(f"{name}: attribute {PADDED_SIZE!r} is {size!r}; expected the padded size")
            counts = self.variables[name][...]
            try:
                check_counts(name, counts, dim, int(size))
            except ValueError as error:
                raise _Unexpected(str(error)) from None
            offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
            if offsets[-1] != self.sizes[dim]:
                raise _Unexpected(f"{name}: counts sum to {offsets[-1]}, expected {self.sizes[dim]} entries of {dim!r}")
            self.ragged[dim] = (name, int(size))
            self.offsets[dim] = offsets

    def _check(self, name: str, entry: h5py.Dataset, file_bytes: int) -> None:
        if entry.dtype.kind not in "iuf" and h5py.check_string_dtype(entry.dtype) is None:
            raise _Unexpected(f"{name}: type {entry.dtype} is not one of numbers and text")
        if entry.size and entry.nbytes > _MOST_EXPANSION * file_bytes:
            raise _Unexpected(f"{name}: claims {entry.nbytes} bytes in a file of {file_bytes}; it is damaged")
        if entry.chunks is not None and entry.size:
            expected = int(np.prod([-(-size // step) for size, step in zip(entry.shape, entry.chunks, strict=True)]))
            found = entry.id.get_num_chunks()
            if found != expected:
                raise _Unexpected(f"{name}: has {found} chunks, expected {expected}; the file is incomplete")
        padded = self.ragged.get(self.dims[name][0]) if self.dims[name] else None
        if padded:
            item = int(np.prod(entry.shape[1:])) * entry.dtype.itemsize
            if self.n * padded[1] * item > _MOST_EXPANSION * file_bytes:
                raise _Unexpected(f"{name}: would take {self.n * padded[1] * item} bytes padded; the file is damaged")

    def block(self, start: int, stop: int) -> xr.Dataset:
        """Return samples `start` to `stop`."""
        import xarray as xr

        data, coordinates = {}, {}
        for name in self.variables:
            variable = xr.Variable(*self._slice(name, start, stop))
            is_coordinate = name in variable.dims or name in self.auxiliary
            (coordinates if is_coordinate else data)[name] = variable
        return xr.Dataset(data, coordinates, dict(self.attrs))

    def _slice(self, name: str, start: int, stop: int) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
        entry, dims, attrs = self.variables[name], self.dims[name], dict(self.variable_attrs[name])
        attrs.pop(PADDED_SIZE, None)
        if attrs.pop(COUNTED_BY_NAME, None):
            attrs.pop("sample_dimension", None)
        if dims and dims[0] in self.ragged:
            dim = dims[0]
            _, size = self.ragged[dim]
            offsets = self.offsets[dim][start : stop + 1]
            flat = _values(entry, slice(int(offsets[0]), int(offsets[-1])))
            flat, attrs = unpacked(flat, attrs)
            return (SAMPLE, *dims), unpack(flat, np.diff(offsets), size), _shown(attrs)
        values = _values(entry, slice(start, stop)) if dims[:1] == (SAMPLE,) else _values(entry, ())
        if attrs.pop("dtype", None) == "bool" and values.dtype == np.int8:
            values = values.astype(bool)
        values, attrs = unpacked(values, attrs)
        return dims, values, _shown(attrs)


def _shown(attrs: dict[str, Any]) -> dict[str, Any]:
    """The attributes without the fill value, which says nothing once the values are read."""
    return {key: value for key, value in attrs.items() if key != "_FillValue"}


def _length(name: str, scale: h5py.Dataset, arrays: dict[str, h5py.Dataset]) -> int:
    """The length of a dimension: its scale's, or the longest variable's where netCDF-C leaves the scale empty."""
    if scale.shape is None or len(scale.shape) == 0:
        raise _Unexpected(f"{scale.name}: expected a dimension scale along one dimension")
    if scale.shape == (0,) and scale.maxshape == (None,):
        along = [
            int(size)
            for entry in arrays.values()
            if entry.shape and entry.name != scale.name
            for axis, size in zip(entry.dims, entry.shape, strict=True)
            if len(axis) and str(axis[0].name).split("/")[-1] == name
        ]
        return max(along, default=0)
    return int(scale.shape[0])


def _values(entry: h5py.Dataset, key: Any) -> np.ndarray:
    if h5py.check_string_dtype(entry.dtype) is not None:
        return np.asarray(entry.asstr()[key], dtype=np.str_)
    return np.asarray(entry[key])


def _decode_attrs(attrs: h5py.AttributeManager) -> dict[str, Any]:
    decoded: dict[str, Any] = {}
    for key, value in attrs.items():
        if key in _HIDDEN:
            continue
        if isinstance(value, h5py.Empty):
            value = "" if h5py.check_string_dtype(value.dtype) else np.array([], value.dtype)
        if isinstance(value, np.ndarray) and value.shape == (1,) and key not in _LISTS:
            value = value[0]  # netCDF knows no scalar attributes: every other program writes arrays of one
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
            value = [entry.decode() if isinstance(entry, bytes) else str(entry) for entry in value]
        if isinstance(value, str):
            value.encode()
        elif not isinstance(value, list | np.ndarray | np.generic):
            raise _Unexpected(f"attribute {key!r} is {type(value).__name__}; expected text or numbers")
        decoded[key] = value
    return decoded
