"""Grey PNG: images through a window of values, one picture or a page of them, and pictures read as masks or images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, opened, rows
from .formats import FileFormatError, Format, FormatError, missing_library

if TYPE_CHECKING:
    import xarray as xr

MOST_PICTURES = 1024
"""Images on one page."""


def grey_png_format(variable: str, *, level: float, width: float, page: bool = True) -> Format:
    """The format of a plugin's images, seen through a window.

    Parameters
    ----------
    variable : str
        An output over (sample, y, x).
    level, width : float
        Middle and width of the values that are shown from black to white, as radiologists set them.
    page : bool
        Whether a file holds all samples on one page; else one a file, in a folder.
    """
    return Format(
        name="png",
        suffixes=(".png",),
        description=f"PNG of {variable}, window {width:g} about {level:g}",
        write=partial(write_grey_png, variable=variable, level=level, width=width),
        read=None,
        extra="validate",
        one_sample_a_file=not page,
        leaves_out="every variable but the image, in 8 bits",
        read_field=read_grey_image,
    )


def windowed(image: np.ndarray, level: float, width: float) -> np.ndarray:
    """Bytes from black to white of the values within `width` about `level`."""
    share = (np.asarray(image, dtype=np.float64) - (level - width / 2.0)) / width
    return np.round(255.0 * np.clip(share, 0.0, 1.0)).astype(np.uint8)


def write_grey_png(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    variable: str,
    level: float,
    width: float,
) -> None:
    """Write all samples as one page of pictures, from left to right and down.

    Raises
    ------
    FormatError
        No such variable, or more samples than a page holds.
    OutputError
        The file exists or cannot be written.
    """
    image_of = _pillow()
    first, stream = opened(blocks)
    pictures: list[np.ndarray] = []
    for block in (first, *stream):
        rows(block)
        if variable not in block:
            raise FormatError(f"{variable}: not in the Dataset; PNG shows that image")
        pictures += list(windowed(block[variable].transpose(SAMPLE, "y", "x").values, level, width))
        if len(pictures) > MOST_PICTURES:
            raise FormatError(f"{target}: more than {MOST_PICTURES} images; a PNG shows so many, write .nc or a folder")
    height, breadth = first.sizes["y"], first.sizes["x"]
    columns = max(math.ceil(math.sqrt(len(pictures))), 1)
    lines = max(math.ceil(len(pictures) / columns), 1)
    page = np.zeros((lines * height, columns * breadth), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * breadth
        page[top : top + height, left : left + breadth] = picture
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text("Software", f"surrogates {first.attrs.get('plugin', '')}".strip())
    about.add_text("Comment", f"SYNTHETIC; {variable}, window {width:g} about {level:g}")
    with replacing(Path(target), overwrite=overwrite) as temporary:
        image_of.fromarray(page).save(temporary, format="PNG", pnginfo=about)


def read_grey_image(path: str | Path) -> xr.DataArray:
    """A picture (y, x) of one channel, values as stored; PNG and what else Pillow reads.

    Raises
    ------
    FileFormatError
        No picture, or one in colour.
    """
    import xarray as xr

    image_of = _pillow()
    try:
        with image_of.open(path) as found:
            values = np.asarray(found)
    except Exception as error:  # damaged files fail in many ways
        raise FileFormatError(f"{path}: expected a grey picture; {' '.join(str(error).split())[:200]}") from None
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[-1] != 2 else values[..., :1]
        if np.any(colours != colours[..., :1]):
            raise FileFormatError(f"{path}: {values.shape[-1]} channels in colour; expected a grey picture")
        values = colours[..., 0]
    if values.ndim != 2:
        raise FileFormatError(f"{path}: axes of {values.shape}; expected one grey picture")
    return xr.DataArray(values.astype(np.float64 if values.dtype.kind == "f" else np.int64), dims=("y", "x"))


def _pillow():
    try:
        from PIL import Image
    except ImportError:
        raise missing_library("pillow", "validate", "PNG") from None
    return Image
