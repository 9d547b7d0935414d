"""The figure of medical images: a row of each category, samples beside held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...plotting.images import image_grid
from ...plotting.panels import styled

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = 8


def _rows(side: xr.Dataset, names: list[str]) -> list[np.ndarray]:
    codes = side["category"].values
    return [side["image"].values[codes == code][:COLUMNS] for code in range(len(names))]


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Any:
    """Eight images of each category on each side."""
    from matplotlib.figure import Figure

    names = str(samples["category"].attrs.get("flag_meanings", "")).split()
    names = names or [str(code) for code in range(int(samples["category"].max()) + 1)]
    sides = {"surrogate": _rows(samples, names)}
    if truth is not None and truth["image"].shape[1:] == samples["image"].shape[1:]:
        sides["held out"] = _rows(truth, names)
    drawn = Figure(figsize=(5 * len(sides) + 1, 0.65 * len(names) + 0.5), layout="constrained")
    image_grid(drawn.subplots(), sides, names, columns=COLUMNS)
    return drawn
