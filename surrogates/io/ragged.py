"""Ragged dimensions: padded in memory, contiguous on disk (CF-1.12, section 9.3.3)."""

from __future__ import annotations

import numpy as np

from .formats import FormatError


def real_entries(counts: np.ndarray, size: int) -> np.ndarray:
    """Return a mask (n, size) that is True where an entry is real rather than padding."""
    return np.arange(size) < counts[:, None]


def check_counts(name: str, counts: np.ndarray, dim: str, size: int) -> None:
    """Raise FormatError where a count lies outside 0 to `size`; names the first such sample's row."""
    wrong = np.flatnonzero((counts < 0) | (counts > size))
    if wrong.size:
        row = int(wrong[0])
        raise FormatError(f"{name} = {counts[row]} in row {row}; expected 0 to {size}, the size of dimension {dim!r}")


def pack(name: str, padded: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return the real entries of `padded`, in order.

    Parameters
    ----------
    name : str
        The variable, for the error message.
    padded : array (n, size, ...)
        Zeros (or empty strings) beyond each count.
    real : bool array (n, size)
        From :func:`real_entries`.

    Returns
    -------
    array (sum of counts, ...)

    Raises
    ------
    FormatError
        Where padding is not zero: contiguous storage would lose it.
    """
    if padded.dtype.kind in "UO":
        wrong = padded[~real] != ""
    else:
        wrong = padded[~real]
    if wrong.any():
        raise FormatError(f"{name}: entries beyond the count are not zero; clear them or write with ragged=False")
    return padded[real]


def unpack(flat: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    """Return the padded form (n, size, ...) of contiguous entries (sum of counts, ...): the inverse of :func:`pack`."""
    padded = np.zeros((counts.size, size, *flat.shape[1:]), dtype=flat.dtype)
    padded[real_entries(counts, size)] = flat
    return padded
