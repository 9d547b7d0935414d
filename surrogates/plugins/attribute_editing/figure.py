"""One figure of attribute editing: galaxies as given, edited and, where it is known, their exact counterfactuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plotting.images import picture_rows
from ...plotting.panels import styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLUMNS = 10


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Rows of pictures: as given, as edited and, with the truth, as they should be and five times the error.

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
    white = some["image"].values.max(axis=(1, 2, 3), keepdims=True, initial=1e-3)
    rows = {"given": some["image"].values / white, "edited": some["edited"].values / white}
    if paired and truth is not None:
        exact = truth["edited"].values[:COLUMNS]
        rows |= {"exact": exact / white, "error x 5": 5 * np.abs(some["edited"].values - exact)}
    return picture_rows(rows, headings=_asked(some), side=1.4, upright=False)


def _asked(data: xr.Dataset) -> list[str]:
    """What is asked of each row, in words."""
    lines: list[list[str]] = [[] for _ in range(data.sizes["sample"])]
    for name in map(str, data.data_vars):
        if name in ("image", "edited"):
            continue
        values = data[name].values
        labels = str(data[name].attrs.get("flag_meanings", "")).split()
        for line, value in zip(lines, values, strict=True):
            if labels and value >= 0:
                line.append(labels[value] if labels != ["off", "on", "not_asked"] else f"{name} {labels[value]}")
            elif not labels and not np.isnan(value):
                line.append(f"{name.replace('_', ' ')} {value:.2f}")
    return ["\n".join(line[:2]) for line in lines]
