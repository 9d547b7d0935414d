"""NetCDF-4 files: CF-1.12 attributes, contiguous ragged arrays, checksums; written as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .fields import read_hdf5_fields
from .formats import Format

if TYPE_CHECKING:
    import xarray as xr


def write_netcdf(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    compression: Literal["none", "zstd", "gzip"] = "none",
    ragged: bool = True,
    rows_per_file: int | None = None,
    final_attrs: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Write blocks into a NetCDF-4 file; see :func:`surrogates.io.hdf5_writing.write_hdf5` for the parameters.

    Notes
    -----
    The default is a file that every netCDF tool copies. With ``compression="zstd"``, readers need the filter
    (`import hdf5plugin`), and a Dataset that xarray opened is saved again after ``dataset.drop_encoding()``: xarray
    takes the filter that it read for an option that it cannot write.
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


def read_netcdf(path: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield the Datasets of a NetCDF-4 file in blocks; see :func:`surrogates.io.hdf5_reading.read_hdf5`."""
    from .hdf5_reading import read_hdf5

    return read_hdf5(path, block_rows=block_rows)


NETCDF = Format(
    name="netcdf",
    suffixes=(".nc", ".nc4"),
    description="NetCDF-4 with CF-1.12 attributes; ragged variables stored contiguously",
    write=write_netcdf,
    read=read_netcdf,
    read_field=read_hdf5_fields,
)
