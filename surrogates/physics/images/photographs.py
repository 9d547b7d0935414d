"""A few photographs that may be shared, and crops of them: what plugins of pictures are checked on, never trained on.

Crops of scikit-image's pictures, see NOTICE: an astronaut (NASA), a cat, a cup of coffee, a rocket, the Hubble deep
field (NASA), a retina, a photographer, bricks, gravel and grass; public domain or CC0.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

SIDE = 192
"""Pixels on a side of each photograph."""


@cache
def photographs() -> dict[str, np.ndarray]:
    """Name -> picture, (192, 192, 3) uint8."""
    with np.load(Path(__file__).with_name("photographs.npz"), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def crops(drawn: np.ndarray, side: int, *, first: int = 0) -> np.ndarray:
    """Crops of the photographs, each at a place and turned one of eight ways; photographs take turns.

    Parameters
    ----------
    drawn : ndarray
        (n, 3) uniform numbers: place down, place across, way.
    side : int
        Pixels on a side, 192 at the most.
    first : int
        Number of the first crop's photograph.

    Returns
    -------
    ndarray
        (n, side, side, 3) uint8.
    """
    pictures = list(photographs().values())
    places = (drawn * [SIDE - side + 1, SIDE - side + 1, 8]).astype(np.int64).tolist()
    found = np.empty((len(drawn), side, side, 3), dtype=np.uint8)
    for row, (top, left, way) in enumerate(places):
        crop = pictures[(row + first) % len(pictures)][top : top + side, left : left + side]
        crop = crop[:: -1 if way & 1 else 1, :: -1 if way & 2 else 1]
        found[row] = crop.transpose(1, 0, 2) if way & 4 else crop
    return found
