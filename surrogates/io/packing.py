"""Packed and missing values of NetCDF variables, decoded as CF-1.12 says (sections 2.5.1 and 8.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_SCALE, _OFFSET = "scale_factor", "add_offset"
_FILLS = ("_FillValue", "missing_value")


def is_packed(attrs: Mapping[str, Any]) -> bool:
    """Whether a variable of these attributes holds other numbers than those it stands for."""
    return _SCALE in attrs or _OFFSET in attrs or bool(_fills(attrs))


def unpacked(values: np.ndarray, attrs: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """The numbers that a variable stands for, in float64 with NaN for what is missing, and the attributes that remain.

    Numbers of a variable that is not packed come back as they are.

    Parameters
    ----------
    values : numpy.ndarray
        As stored.
    attrs : mapping
        ``scale_factor``, ``add_offset``, ``_FillValue`` and ``missing_value`` are understood, the last in one or
        several values.
    """
    if values.dtype.kind not in "iuf" or not is_packed(attrs):
        return values, dict(attrs)
    numbers = values.astype(np.float64)
    missing = np.isin(values, np.array(_fills(attrs)).astype(values.dtype)) if _fills(attrs) else None
    numbers = numbers * _number(attrs.get(_SCALE, 1.0)) + _number(attrs.get(_OFFSET, 0.0))
    if missing is not None:
        numbers[missing] = np.nan
    return numbers, {key: value for key, value in attrs.items() if key not in (_SCALE, _OFFSET, *_FILLS)}


def _fills(attrs: Mapping[str, Any]) -> list[float]:
    """The numbers that stand for a missing value, beside NaN."""
    found = []
    for key in _FILLS:
        given = np.asarray(attrs.get(key, []))
        if given.dtype.kind in "iuf":
            found += [value for value in given.ravel().tolist() if value == value]
    return found


def _number(value: Any) -> float:
    return float(np.asarray(value, dtype=np.float64).ravel()[0])
