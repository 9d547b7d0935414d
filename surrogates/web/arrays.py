"""Datasets as bytes that a page reads without a library: a JSON header, then the arrays as they are.

Four bytes hold the header's length (little-endian), the header says of every variable its dtype, shape, units and where
its bytes begin, counted from the header's end; arrays are little-endian, in C order, each at a multiple of eight bytes.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.schema import texts
from .settings import ServiceError

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.schema import Schema

MEDIA_TYPE = "application/vnd.surrogates.arrays"


def packed(data: xr.Dataset, *schemas: Schema) -> bytes:
    """Bytes of a Dataset; text as a list of strings in the header.

    Parameters
    ----------
    data : Dataset
        Along `sample`.
    *schemas : Schema
        That know its variables: which of them hold text.
    """
    known = {variable.name: variable for schema in schemas for variable in schema}
    entries, chunks, place, held = [], [], 0, data.variables  # quicker than as DataArrays
    for name in ("sample", *(str(key) for key in data.data_vars)):
        about = held[name]
        array = np.asarray(about.values)
        entry: dict[str, Any] = {
            "name": name,
            "dims": [str(dim) for dim in about.dims],
            "units": about.attrs.get("units", "1"),
            "long_name": about.attrs.get("long_name", name),
        }
        if name in known and known[name].text:
            entry |= {"shape": [len(array)], "text": [str(text) for text in np.atleast_1d(texts(array))]}
        else:
            raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
            entry |= {"shape": list(array.shape), "dtype": array.dtype.str.lstrip("<>|="), "offset": place}
            raw += bytes(-len(raw) % 8)
            chunks.append(raw)
            place += len(raw)
        if name in known and known[name].categories:
            entry["categories"] = list(known[name].categories or ())
        entries.append(entry)
    header = json.dumps({"variables": entries, "attrs": plain(dict(data.attrs))}).encode()
    header += b" " * (-(len(header) + 4) % 8)
    return struct.pack("<I", len(header)) + header + b"".join(chunks)


def unpacked(raw: bytes) -> tuple[dict[str, np.ndarray | list[str]], dict[str, Any]]:
    """Arrays by name, and the header, of what `packed` made.

    Raises
    ------
    ServiceError
        Bytes that are cut off or something else.
    """
    try:
        (length,) = struct.unpack_from("<I", raw)
        header = json.loads(raw[4 : 4 + length])
        found: dict[str, np.ndarray | list[str]] = {}
        for entry in header["variables"]:
            if "text" in entry:
                found[entry["name"]] = entry["text"]
                continue
            dtype, count = np.dtype(f"<{entry['dtype']}"), int(np.prod(entry["shape"]))
            flat = np.frombuffer(raw, dtype, count, 4 + length + entry["offset"])
            found[entry["name"]] = flat.reshape(entry["shape"]).copy()
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise ServiceError(f"answer: no arrays as this package packs them ({error})") from None
    return found, header


def plain(value: Any) -> Any:
    """A value of attributes as JSON has it; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
