"""One figure of super-resolution: small pictures, cubic interpolation, the network, the truth, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plotting.panels import styled
from .impostors import bicubic
from .variables import SCALE

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

ROWS = 4


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None, scale: int = SCALE) -> Figure:
    """Small pictures and their enlargements side by side; with the truth, it and the errors, ten times as bright.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
        The same small pictures in the same rows.
    scale : int

    Returns
    -------
    Figure
        A matplotlib figure; the caller saves it.
    """
    from matplotlib.figure import Figure

    rows = min(ROWS, samples.sizes["sample"])
    paired = truth is not None and np.array_equal(samples["image"].values, truth["image"].values)
    titles = ["as asked", "bicubic", "enlarged", *(["photograph", "error of bicubic", "error"] if paired else [])]
    canvas = Figure(figsize=(2.3 * len(titles), 2.3 * max(rows, 1)), layout="constrained")
    axes = canvas.subplots(max(rows, 1), len(titles), squeeze=False)
    for panel in axes.ravel():
        panel.axis("off")
    if rows:
        some = samples.isel(sample=slice(0, rows))
        smooth = bicubic(some, 0, scale=scale)["upscaled"].values
        for row in range(rows):
            shown = [some["image"].values[row], smooth[row], some["upscaled"].values[row]]
            if paired and truth is not None:
                true = truth["upscaled"].values[row]
                shown += [true, _error(smooth[row], true), _error(shown[2], true)]
            for panel, picture in zip(axes[row], shown, strict=True):
                grey = picture.shape[-1] < 3
                panel.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(title)
    axes[0, 0].set_title(f"as asked, 1/{scale} of the sides")
    return canvas


def _error(made: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.clip(10 * np.abs(made - true)[..., :3].mean(axis=-1, keepdims=True), 0.0, 1.0)
