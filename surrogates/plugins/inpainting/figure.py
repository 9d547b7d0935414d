"""One figure of inpainting: pictures with holes, Laplace's fill, the network's, and what was there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plotting.panels import styled
from .impostors import laplace

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLUMNS = 8


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Rows of pictures: as given, filled by Laplace's equation, by the network and, where it is known, as they were.

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
    titles = ["given", "Laplace", "filled", *(["photograph"] if paired else [])]
    canvas = Figure(figsize=(1.6 * max(columns, 1), 1.7 * len(titles)), layout="constrained")
    axes = canvas.subplots(len(titles), max(columns, 1), squeeze=False)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[])
    for panel, title in zip(axes[:, 0], titles, strict=True):
        panel.set_ylabel(title)
    if not columns:
        return canvas
    some = samples.isel(sample=slice(0, columns))
    given = np.where(some["mask"].values[..., None] > 0, 1.0, some["image"].values)
    rows = [given, laplace(some, 0)["inpainted"].values, some["inpainted"].values]
    if paired and truth is not None:
        rows.append(truth["inpainted"].values[:columns])
    for line, pictures in zip(axes, rows, strict=True):
        for panel, picture in zip(line, pictures, strict=True):
            grey = picture.shape[-1] < 3
            panel.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return canvas
