"""The page of lung-ct: masks, slices and their difference at the lung's window and at that of soft tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...plotting.panels import styled
from .variables import CONDITIONS

if TYPE_CHECKING:
    import xarray as xr

ROWS = 4
LUNG, SOFT = (-600.0, 1500.0), (40.0, 400.0)
"""Level and width of the windows, Hounsfield units."""


def _shown(axes: Any, image: np.ndarray, window: tuple[float, float], title: str) -> None:
    level, width = window
    axes.imshow(image, cmap="gray", vmin=level - width / 2, vmax=level + width / 2, interpolation="nearest")
    axes.set_title(title, fontsize=8)


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Any:
    """A row a slice: masks, surrogate, simulator and difference at the lung's window, both at that of soft tissue."""
    from matplotlib.figure import Figure

    paired = truth is not None and truth["ct"].shape[1:] == samples["ct"].shape[1:]
    columns, rows = (6 if paired else 3), max(min(ROWS, samples.sizes["sample"]), 1)
    drawn = Figure(figsize=(1.9 * columns, 2.1 * rows), layout="constrained")
    grid = drawn.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    count = samples.sizes["sample"]
    for row, place in enumerate(range(0, count, max(count // rows, 1))):
        if row == rows:
            break
        one = samples.isel(sample=place)
        masks = one["body_mask"].values + 2 * (one["lesion_mask"].values == 1)
        kind = (CONDITIONS["lesion_type"].categories or ("",))[max(int(one["lesion_type"]), 0)].replace("_", " ")
        grid[row][0].imshow(masks, cmap="gray", vmin=0, vmax=4, interpolation="nearest")
        grid[row][0].set_title(kind if (one["lesion_mask"].values == 1).any() else "no lesion", fontsize=8)
        image = one["ct"].values
        _shown(grid[row][1], image, LUNG, "surrogate")
        if truth is None or not paired:
            _shown(grid[row][2], image, SOFT, "soft tissue")
            continue
        true = truth["ct"].values[place]
        _shown(grid[row][2], true, LUNG, "simulator")
        grid[row][3].imshow(image - true, cmap="RdBu_r", vmin=-500, vmax=500)
        grid[row][3].set_title("difference, ±500 HU", fontsize=8)
        _shown(grid[row][4], image, SOFT, "surrogate, soft tissue")
        _shown(grid[row][5], true, SOFT, "simulator, soft tissue")
    return drawn
