"""A page of hidden units: how much each changes pictures, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .palette import AMOUNT, SAMPLES
from .panels import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class UnitRow:
    """One layer.

    Attributes
    ----------
    title : str
    change : ndarray
        Of the pictures by each unit, (u,), in standard deviations.
    shown : sequence of (str, ndarray, ndarray)
        Of single units: name, map (y, x) of the change, and a picture (y, x, 1) or (y, x, 3) in [0, 1] without it.
    """

    title: str
    change: np.ndarray
    shown: Sequence[tuple[str, np.ndarray, np.ndarray]]


@styled
def unit_page(whole: np.ndarray, rows: Sequence[UnitRow], label: str, *, upright: bool = True) -> Figure:
    """A row a layer: the changes in falling order, then maps of single units, each beside the picture without it.

    Maps of a layer share one scale, whose colours go by the square root.

    Parameters
    ----------
    whole : ndarray
        The picture with all units, (y, x, 1) or (y, x, 3) in [0, 1].
    rows : sequence of UnitRow
    label : str
        Of the maps' colours: the quantity and its units.
    upright : bool
        Whether row 0 of a picture is at its top.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    most = max((len(row.shown) for row in rows), default=0)
    columns, origin = 2 + 2 * most, "upper" if upright else "lower"
    height, width = whole.shape[:2]
    canvas = Figure(figsize=(1.5 * columns, (1.5 * height / width + 0.35) * len(rows)), layout="constrained")
    axes = canvas.subplots(len(rows), columns, squeeze=False)
    _picture(axes[0, 0], whole, origin)
    axes[0, 0].set_title("all units", fontsize=7)
    for panel in axes[1:, 0]:
        panel.axis("off")
    for line, row in zip(axes, rows, strict=True):
        curve, *pairs = line[1:]
        curve.plot(np.arange(1, len(row.change) + 1), np.sort(row.change)[::-1], color=SAMPLES, marker=".")
        curve.set_title(row.title, fontsize=7)
        curve.set_ylim(bottom=0.0)
        curve.tick_params(labelsize=6)
        curve.set_ylabel("change [std]", fontsize=6)
        scale = max((float(np.nanmax(where)) for _, where, _ in row.shown), default=0.0) or 1.0
        drawn: Any = None
        for place, (name, where, picture) in enumerate(row.shown):
            on_the_left, on_the_right = pairs[2 * place : 2 * place + 2]
            norm = PowerNorm(0.5, 0.0, scale)
            drawn = on_the_left.imshow(where, cmap=AMOUNT, norm=norm, origin=origin, interpolation="nearest")
            on_the_left.set(xticks=[], yticks=[])
            on_the_left.set_title(name, fontsize=7)
            _picture(on_the_right, picture, origin)
            on_the_right.set_title("without it", fontsize=7)
        for panel in pairs[2 * len(row.shown) :]:
            panel.axis("off")
        if drawn is not None:
            bar = canvas.colorbar(drawn, ax=pairs, shrink=0.9)
            bar.ax.tick_params(labelsize=6)
            bar.set_label(label, fontsize=6)
    return canvas


def _picture(panel: Any, picture: np.ndarray, origin: str) -> None:
    shown = np.clip(picture[..., 0] if picture.shape[-1] < 3 else picture, 0.0, 1.0)
    panel.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest", origin=origin)
    panel.set(xticks=[], yticks=[])
