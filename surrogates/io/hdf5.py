"""Plain HDF5 files with padded arrays and dimension scales: for h5py, and for xarray's h5netcdf engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .fields import read_hdf5_fields
from .formats import Format

if TYPE_CHECKING:
    import xarray as xr


def write_padded_hdf5(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    compression: Literal["none", "zstd", "gzip"] = "gzip",
    ragged: bool = False,
    rows_per_file: int | None = None,
    final_attrs: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Write blocks into an HDF5 file; see :func:`surrogates.io.hdf5_writing.write_hdf5` for the parameters.

    Arrays keep their padding, so that ``file["px"][i, :n]`` works; gzip makes up for it and needs no plugin to read.
    """
    from .hdf5_writing import write_hdf5

    write_hdf5(
        blocks,
        target,
        overwrite=overwrite,
        compression=compression,
        ragged=ragged,
        rows_per_file=rows_per_file,
        final_attrs=final_attrs,
    )


def read_padded_hdf5(path: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield the Datasets of an HDF5 file in blocks; see :func:`surrogates.io.hdf5_reading.read_hdf5`."""
    from .hdf5_reading import read_hdf5

    return read_hdf5(path, block_rows=block_rows)


HDF5 = Format(
    name="hdf5",
    suffixes=(".h5", ".hdf5"),
    description="plain HDF5: padded arrays with dimension scales, gzip",
    write=write_padded_hdf5,
    read=read_padded_hdf5,
    read_field=read_hdf5_fields,
)
