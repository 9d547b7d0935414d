"""Samples on disk: NetCDF-4, HDF5, shards with a manifest, and one module for each native format.

Everything here takes and gives :class:`xarray.Dataset`; names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .blocks import concatenate
    from .formats import FileFormatError, Format, FormatError, Formats, OutputError
    from .hdf5 import HDF5
    from .merging import merge
    from .netcdf import NETCDF
    from .shards import read_manifest, read_shards, write_shards
    from .verification import verify

_HOMES = {
    "concatenate": "blocks",
    "FileFormatError": "formats",
    "Format": "formats",
    "FormatError": "formats",
    "Formats": "formats",
    "OutputError": "formats",
    "HDF5": "hdf5",
    "merge": "merging",
    "NETCDF": "netcdf",
    "read_manifest": "shards",
    "read_shards": "shards",
    "write_shards": "shards",
    "verify": "verification",
}

__all__ = [
    "HDF5",
    "NETCDF",
    "FileFormatError",
    "Format",
    "FormatError",
    "Formats",
    "OutputError",
    "concatenate",
    "merge",
    "read_manifest",
    "read_shards",
    "verify",
    "write_shards",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
