"""One figure of style transfer: pictures as given, drawn by the network and, where it is known, by optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.images.drawn_styles import NAMES, drawn
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
    from matplotlib.figure import Figure

    columns = min(COLUMNS, samples.sizes["sample"])
    paired = truth is not None and np.array_equal(samples["image"].values, truth["image"].values)
    titles = ["style", "given", "drawn", *(["optimised"] if paired else [])]
    canvas = Figure(figsize=(1.6 * max(columns, 1), 1.75 * len(titles)), layout="constrained")
    axes = canvas.subplots(len(titles), max(columns, 1), squeeze=False)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[])
    for panel, title in zip(axes[:, 0], titles, strict=True):
        panel.set_ylabel(title)
    if not columns:
        return canvas
    some = samples.isel(sample=slice(0, columns))
    size = some["image"].shape[1]
    styles = [drawn(NAMES[code])[:size, :size] for code in some["style"].values]
    rows = [styles, some["image"].values, some["stylised"].values]
    if paired and truth is not None:
        rows.append(truth["stylised"].values[:columns])
    for line, pictures in zip(axes, rows, strict=True):
        for panel, picture in zip(line, pictures, strict=True):
            grey = picture.shape[-1] < 3
            panel.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for panel, code, strength in zip(axes[0], some["style"].values, some["strength"].values, strict=True):
        panel.set_title(f"{NAMES[code]} {strength:.2g}", fontsize=7)
    return canvas
