"""The page of tissue-segmentation: the image, tissues found and true with their volumes, and where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...plotting.panels import styled
from .variables import PROTOCOLS, TISSUES, VOLUMES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLOURS = ("#00000000", "#56B4E9", "#E69F00", "#F0E442", "#D55E00")
"""By code of `TISSUES`."""

ROWS = 4


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """A row a slice: MR image, surrogate's tissues, the simulator's where they are known, and pixels that differ."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours = ListedColormap(COLOURS)
    rows = max(min(ROWS, samples.sizes["sample"]), 1)
    columns = 2 if truth is None else 4
    drawn = Figure(figsize=(2.6 * columns, 2.75 * rows + 0.5), layout="constrained")
    grid = drawn.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for row in range(min(rows, samples.sizes["sample"])):
        one = samples.isel(sample=row)
        image = one["mri"].values
        top = float(np.quantile(image, 0.995)) or 1.0
        sides: list[Any] = [("MR", None), ("surrogate", one)]
        if truth is not None:
            sides.append(("simulator", truth.isel(sample=row)))
        for axes, (name, side) in zip(grid[row], sides, strict=False):
            axes.imshow(image, cmap="gray", vmin=0.0, vmax=top)
            if side is None:
                protocol = PROTOCOLS[int(one["protocol"])] if "protocol" in one else ""
                axes.set_title(f"T1-weighted, {protocol}", fontsize=8)
                continue
            axes.imshow(side["tissue"].values, cmap=colours, vmin=-0.5, vmax=4.5, alpha=0.75, interpolation="nearest")
            told = ", ".join(f"{float(side[volume]):.1f}" for volume in VOLUMES.values())
            axes.set_title(f"{name}\n{told} ml", fontsize=8)
        if truth is not None:
            apart = one["tissue"].values != truth["tissue"].values[row]
            grid[row][3].imshow(apart, cmap="Reds", vmin=0, vmax=1)
            grid[row][3].set_title(f"differing: {int(apart.sum())} pixels", fontsize=8)
    handles = [
        Patch(color=colour, label=name.replace("_", " ")) for colour, name in zip(COLOURS[1:], TISSUES[1:], strict=True)
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return drawn
