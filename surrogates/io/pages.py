"""One PNG page of all samples' pictures in colour, from left to right and down."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, opened, rows
from .formats import Format, FormatError
from .pictures import AXES, write_picture

if TYPE_CHECKING:
    import xarray as xr

MOST_PICTURES = 4096
"""Images on one page."""


def page_format(variable: str) -> Format:
    """The format of a page of a plugin's pictures, an output over (sample, y, x, channel) in [0, 1]."""
    return Format(
        name="page",
        suffixes=(".page.png",),
        description="PNG, all pictures on one page",
        write=partial(write_page, variable=variable),
        read=None,
        extra="images",
        leaves_out="all but the pictures, in 8 bits",
    )


def write_page(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, variable: str) -> None:
    """Write all samples as one page, as many across as down.

    Raises
    ------
    FormatError
        No such variable, or more samples than a page holds.
    OutputError
        The file exists or cannot be written.
    """
    first, stream = opened(blocks)
    pictures: list[np.ndarray] = []
    for block in (first, *stream):
        rows(block)
        if variable not in block:
            raise FormatError(f"{variable}: not in the Dataset; a page shows that picture")
        pictures += list(block[variable].transpose(SAMPLE, *AXES).values)
        if len(pictures) > MOST_PICTURES:
            raise FormatError(
                f"{target}: more than {MOST_PICTURES:,} images; a page shows so many, write .nc or a folder"
            )
    height, breadth, channels = (first.sizes[axis] for axis in AXES)
    columns = max(math.ceil(math.sqrt(len(pictures))), 1)
    lines = max(math.ceil(len(pictures) / columns), 1)
    page = np.zeros((lines * height, columns * breadth, channels), dtype=np.float32)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * breadth
        page[top : top + height, left : left + breadth] = picture
    told = {
        f"surrogates:{name}": str(first.attrs[name])
        for name in ("plugin", "recipe", "weights_sha256", "seed")
        if name in first.attrs
    }
    with replacing(Path(target), overwrite=overwrite) as temporary:
        write_picture(Path(temporary), page, "png", text={"Software": "surrogates", "Comment": "SYNTHETIC", **told})
