"""SMILES in arrays: rows of ASCII codes, padded with 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LENGTH = 112
"""Most characters of a SMILES."""


def to_codes(smiles: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """ASCII codes (n, LENGTH) int64 and numbers of characters (n,); what is longer than LENGTH is cut."""
    cut = [text[:LENGTH] for text in smiles]
    rows = np.zeros((len(cut), LENGTH), dtype=np.int64)
    for row, text in enumerate(cut):
        rows[row, : len(text)] = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return rows, np.array([len(text) for text in cut], dtype=np.int64)


def from_codes(codes: np.ndarray) -> list[str]:
    """SMILES of rows of ASCII codes (n, LENGTH)."""
    rows = np.ascontiguousarray(np.asarray(codes).astype(np.uint8))
    return [row.tobytes().rstrip(b"\0").decode("ascii") for row in rows]
