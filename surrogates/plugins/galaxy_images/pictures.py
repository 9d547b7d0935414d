"""Grids of colour pictures as PNG files, written by the format `png`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...io.atomic import replacing
from ...io.formats import Format, FormatError
from .variables import STAMP

if TYPE_CHECKING:
    import xarray as xr

MOST = 400
"""Galaxies on a grid, at most: the first ones."""


def write_png(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write the first galaxies as a square grid of colour pictures (i, r, g; Lupton et al. 2004), in reading order.

    Parameters
    ----------
    blocks : iterable of Dataset
        With `image`, magnitudes and half-light radius; blocks beyond the first `MOST` galaxies are read and left out.
    target : path
        Written under a temporary name, then renamed.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        Where a Dataset holds no galaxy images.
    OutputError
        Where the file exists or cannot be written.
    """
    from matplotlib.image import imsave

    from .figure import colour_image, middle_brightness

    pictures: list[np.ndarray] = []
    for block in blocks:
        if "image" not in block or block["image"].dims != ("sample", "band", "y", "x"):
            raise FormatError("image: no galaxy images over (sample, band, y, x); PNG grids show those alone")
        shown = block.isel(sample=slice(0, MOST - len(pictures)))
        if shown.sizes["sample"]:
            pictures += list(colour_image(shown["image"].values, middle_brightness(shown))[:, ::-1])
    side = max(int(np.ceil(np.sqrt(len(pictures)))), 1)
    rows = max(-(-len(pictures) // side), 1)
    size = len(pictures[0]) if pictures else STAMP
    grid = np.full((rows * size, side * size, 3), 255, dtype=np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, side)
        grid[row * size : (row + 1) * size, column * size : (column + 1) * size] = picture
    with replacing(Path(target), overwrite=overwrite) as temporary:
        imsave(temporary, grid, format="png")


PNG = Format(
    name="png",
    suffixes=(".png",),
    description=f"grid of colour pictures of the first {MOST} galaxies",
    write=write_png,
    read=None,
    extra="validate",
)
"""Write-only."""
