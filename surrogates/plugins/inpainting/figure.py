"""One figure of inpainting: pictures with holes, Laplace's fill, the network's, and what was there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plotting.images import picture_rows
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
    some = samples.isel(sample=slice(0, COLUMNS))
    paired = truth is not None and np.array_equal(samples["image"].values, truth["image"].values)
    given = np.where(some["mask"].values[..., None] > 0, 1.0, some["image"].values)
    filled = laplace(some, 0)["inpainted"].values if some.sizes["sample"] else given
    rows = {"given": given, "Laplace": filled, "filled": some["inpainted"].values}
    if paired and truth is not None:
        rows["photograph"] = truth["inpainted"].values[:COLUMNS]
    return picture_rows(rows)
