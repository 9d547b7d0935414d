"""One figure of style transfer: pictures as given, drawn by the network and, where it is known, by optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.images.drawn_styles import NAMES, drawn
from ...plotting.images import picture_rows
from ...plotting.panels import styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLUMNS = 8


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Rows of pictures: the style, the picture as given, as drawn and, with the truth, as optimised.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
        The same pictures in the same rows.

    Returns
    -------
    Figure
        A matplotlib figure; the caller saves it.
    """
    some = samples.isel(sample=slice(0, COLUMNS))
    paired = truth is not None and np.array_equal(samples["image"].values, truth["image"].values)
    size = some["image"].shape[1]
    rows = {
        "style": [drawn(NAMES[code])[:size, :size] for code in some["style"].values],
        "given": some["image"].values,
        "drawn": some["stylised"].values,
    }
    if paired and truth is not None:
        rows["optimised"] = truth["stylised"].values[:COLUMNS]
    asked = zip(some["style"].values, some["strength"].values, strict=True)
    return picture_rows(rows, headings=[f"{NAMES[code]} {strength:.2g}" for code, strength in asked])
