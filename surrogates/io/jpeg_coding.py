"""Pictures through Pillow's JPEG encoder and back, in memory: what a file of some quality keeps of them."""

from __future__ import annotations

import io

import numpy as np

from .formats import FormatError, missing_library

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
"""How colour differences are stored -> Pillow's number for it: as luminance is, at half the width, at half of both."""


def compressed(picture: np.ndarray, quality: int, subsampling: str = "4:2:0") -> np.ndarray:
    """What a JPEG file of a picture holds.

    Parameters
    ----------
    picture : ndarray
        (y, x, 3) uint8, sRGB.
    quality : int
        1 to 100, on the scale of the Independent JPEG Group's library.
    subsampling : {"4:4:4", "4:2:2", "4:2:0"}

    Returns
    -------
    ndarray
        (y, x, 3) uint8.

    Raises
    ------
    FormatError
        Another picture, quality or subsampling, or Pillow is not installed.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3 or not picture.size:
        raise FormatError(f"picture: {picture.dtype} {picture.shape}; expected uint8 (y, x, 3) with pixels in it")
    if not 1 <= quality <= 100:
        raise FormatError(f"quality: {quality}; expected 1 to 100")
    if subsampling not in SUBSAMPLINGS:
        raise FormatError(f"subsampling: {subsampling!r}; expected one of {', '.join(SUBSAMPLINGS)}")
    try:
        from PIL import Image
    except ImportError:
        raise missing_library("Pillow", "images", "a JPEG file") from None
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(quality), subsampling=SUBSAMPLINGS[subsampling])
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))
