"""Samples on disk: NetCDF-4, HDF5, shards with a manifest, and one module for each native format.

Everything here takes and gives :class:`xarray.Dataset`; names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .awkward_records import to_awkward
    from .blocks import concatenate
    from .fits import FITS
    from .formats import FileFormatError, Format, FormatError, Formats, OutputError
    from .gadget import GADGET
    from .hdf5 import HDF5
    from .hepmc3 import HEPMC3
    from .jetnet import JETNET
    from .lhe import LHE
    from .manifest import read_manifest
    from .merging import merge
    from .netcdf import NETCDF
    from .root import ROOT
    from .shards import read_shards, write_shards
    from .tables import read_conditions
    from .verification import carries_digest, verify

_HOMES = {
    "to_awkward": "awkward_records",
    "concatenate": "blocks",
    "FITS": "fits",
    "FileFormatError": "formats",
    "Format": "formats",
    "FormatError": "formats",
    "Formats": "formats",
    "OutputError": "formats",
    "GADGET": "gadget",
    "HDF5": "hdf5",
    "HEPMC3": "hepmc3",
    "JETNET": "jetnet",
    "LHE": "lhe",
    "merge": "merging",
    "NETCDF": "netcdf",
    "ROOT": "root",
    "read_manifest": "manifest",
    "read_shards": "shards",
    "write_shards": "shards",
    "read_conditions": "tables",
    "carries_digest": "verification",
    "verify": "verification",
}

__all__ = [
    "FITS",
    "GADGET",
    "HDF5",
    "HEPMC3",
    "JETNET",
    "LHE",
    "NETCDF",
    "ROOT",
    "FileFormatError",
    "Format",
    "FormatError",
    "Formats",
    "OutputError",
    "carries_digest",
    "concatenate",
    "merge",
    "read_conditions",
    "read_manifest",
    "read_shards",
    "to_awkward",
    "verify",
    "write_shards",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
