"""One field from a file of its own, a mask or a map that is no sample: NetCDF-4, HDF5, FITS and NumPy's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .formats import FileFormatError

if TYPE_CHECKING:
    import xarray as xr

MOST_EXPANSION = 5_000
"""Bytes that one byte of a file may become; a file that claims more is damaged."""


def read_hdf5_fields(path: Path) -> xr.Dataset:
    """The arrays of a NetCDF-4 or HDF5 file, whatever their dimensions; packed values unpacked, NaN for none.

    Raises
    ------
    FileFormatError
        A file that is foreign, truncated or damaged.
    """
    import xarray as xr

    from .hdf5_heaps import endless_heap

    try:
        if (heap := endless_heap(path)) is not None:
            raise FileFormatError(
                f"{path}: the heap at byte {heap} is damaged; expected an intact HDF5 or NetCDF-4 file"
            )
        with xr.open_dataset(
            path, engine="h5netcdf", decode_times=False, decode_timedelta=False, phony_dims="access"
        ) as dataset:
            size = path.stat().st_size
            for name, array in dataset.variables.items():
                if array.nbytes > MOST_EXPANSION * size:
                    raise FileFormatError(
                        f"{path}: {name} claims {array.nbytes} bytes in a file of {size}; it is damaged"
                    )
            return dataset.load()
    except (FileFormatError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{path}: expected an HDF5 or NetCDF-4 file; {reason}") from None


def read_numpy(path: Path) -> xr.DataArray:
    """The array of a ``.npy`` file; nothing in it is unpickled."""
    import xarray as xr

    try:
        return xr.DataArray(np.load(path, allow_pickle=False))
    except MemoryError:
        raise
    except Exception as error:  # the header is Python's syntax, and fails as that does
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{path}: expected one array in NumPy's format; {reason}") from None


def read_fits_image(path: Path) -> xr.DataArray:
    """The first image of a FITS file, row 0 first, in the machine's byte order.

    Raises
    ------
    FileFormatError
        No FITS file, or one without an image.
    """
    import xarray as xr
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as file:
            units: Any = list(file)
            found = next((unit.data for unit in units if unit.is_image and unit.data is not None), None)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{path}: expected a FITS file with an image; {reason}") from None
    if found is None:
        raise FileFormatError(f"{path}: no image in it; expected a FITS file with one")
    return xr.DataArray(np.ascontiguousarray(found, dtype=found.dtype.newbyteorder("=")))
