"""Frequent pairs of tokens as one token, so that a molecule is a third as many steps.

Byte-pair encoding (Sennrich, Haddow, Birch 2016, arXiv:1508.07909), on SMILES as in Li, Fourches 2021, J. Chem. Inf.
Model. 61, 1560. Token 0 ends a sequence and 1 begins one; neither is part of a pair.
"""

from __future__ import annotations

import numpy as np

_FIRST = 2  # code of the first token that may be merged


def learned_merges(codes: np.ndarray, size: int, count: int) -> np.ndarray:
    """Pairs that are merged one after another, the most frequent first.

    Parameters
    ----------
    codes : ndarray
        (n, m) tokens, padded with 0.
    size : int
        Of the vocabulary; pair k becomes token size + k.
    count : int
        Most pairs; fewer where no pair comes twice.

    Returns
    -------
    ndarray
        (k, 2) int64.
    """
    flat, whole, found = _joined(codes), size + count, []
    for number in range(count):
        inside = (flat[:-1] >= _FIRST) & (flat[1:] >= _FIRST)
        often = np.bincount(flat[:-1][inside] * whole + flat[1:][inside])
        if not often.size or often.max() < 2:
            break
        pair = divmod(int(often.argmax()), whole)
        flat = _replaced(flat, *pair, size + number)
        found.append(pair)
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def merged(codes: np.ndarray, merges: np.ndarray, size: int) -> np.ndarray:
    """Tokens (n, m) with every pair of `merges` (k, 2) merged, padded with 0; (n, m) int64."""
    flat = _joined(codes)
    for number, (left, right) in enumerate(merges.tolist()):
        flat = _replaced(flat, left, right, size + number)
    ends = np.flatnonzero(flat == 0)
    there = np.arange(codes.shape[1]) < np.diff(ends, prepend=-1)[:, None] - 1
    found = np.zeros(codes.shape, dtype=np.int64)
    found[there] = flat[flat != 0]
    return found


def _joined(codes: np.ndarray) -> np.ndarray:
    """All sequences in one row, a 0 behind each."""
    ended = np.pad(np.asarray(codes, dtype=np.int64), ((0, 0), (0, 1)))  # type: ignore
    return ended[np.arange(ended.shape[1]) <= (ended != 0).sum(1, keepdims=True)]


def _replaced(flat: np.ndarray, left: int, right: int, code: int) -> np.ndarray:
    """One row with each pair as one token; of a run of equal tokens the first two are the first pair."""
    at = np.flatnonzero((flat[:-1] == left) & (flat[1:] == right))
    if left == right and len(at):
        first = np.diff(at, prepend=-2) != 1
        at = at[(at - at[first][np.cumsum(first) - 1]) % 2 == 0]
    flat[at] = code
    return np.delete(flat, at + 1)
