"""The page of a translation: what was given, made and true at clinical windows, and the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plotting.panels import styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

WINDOWS = {"ct": ((-20.0, 100.0), (-1000.0, 1800.0)), "mri": ((0.0, 1.6),)}
"""Lowest and highest value shown: of CT the brain's window and bone's."""

DIFFERENCE = {"ct": 300.0, "mri": 0.4}
UNITS = {"ct": "HU", "mri": "white matter's signal"}
ROWS = 4


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """A row a slice: input | surrogate | simulator | difference, CT in two windows."""
    from matplotlib.figure import Figure

    made = "mri" if "mri" in samples and str(samples["mri"].attrs.get("long_name", "")).find("any units") < 0 else "ct"
    source = "ct" if made == "mri" else "mri"
    rows = max(min(ROWS, samples.sizes["sample"]), 1)
    windows = WINDOWS[made]
    columns = 1 + len(windows) * (1 if truth is None else 2) + (truth is not None)
    drawn = Figure(figsize=(2.2 * columns, 2.3 * rows + 0.4), layout="constrained")
    grid = drawn.subplots(rows, columns, squeeze=False)
    shown = None
    for axes in grid.flat:
        axes.axis("off")
    for row in range(min(rows, samples.sizes["sample"])):
        image = samples[source].values[row]
        low, high = WINDOWS["ct"][0] if source == "ct" else (0.0, float(np.quantile(image, 0.995)))
        panels = [(source.upper(), image, low, high)]
        sides = [("surrogate", samples)] if truth is None else [("surrogate", samples), ("simulator", truth)]
        for low, high in windows:
            panels += [(name, side[made].values[row], low, high) for name, side in sides]
        for axes, (name, picture, low, high) in zip(grid[row], panels, strict=False):
            axes.imshow(picture, cmap="gray", vmin=low, vmax=high)
            if row == 0:
                axes.set_title(name if name != "surrogate" else f"surrogate's {made.upper()}", fontsize=8)
        if truth is not None:
            apart = samples[made].values[row] - truth[made].values[row]
            size = DIFFERENCE[made]
            shown = grid[row][-1].imshow(apart, cmap="RdBu_r", vmin=-size, vmax=size)
            if row == 0:
                grid[row][-1].set_title("surrogate - simulator", fontsize=8)
    if shown is not None:
        drawn.colorbar(shown, ax=grid[:, -1], label=UNITS[made], shrink=0.5)
    return drawn
