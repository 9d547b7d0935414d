"""One figure of records of any layout: values, how often they are measured, and mean courses, beside the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....plotting.palette import SAMPLES, TRUTH
from ....plotting.panels import ratio_axes, ratio_histogram, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from .view import View

MOST = 8
"""Columns and signs whose values are shown."""
COURSES = 2


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None, *, view: View) -> Figure:
    """Distributions of the first numbers, the share measured over time, and the courses of the first signs.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
    view : View

    Returns
    -------
    Figure
        13 x 10 inches.
    """
    from matplotlib.figure import Figure

    layout = view.layout
    numbers = [c for c in layout.measured if c.kind != "categorical"]
    once = [c for c in layout.drawn if c.kind != "categorical"][: max(MOST - len(numbers), 2)]
    shown = [*once, *numbers][:MOST]
    sides = [samples] if truth is None else [samples, truth]
    canvas = Figure(figsize=(13, 10), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(2.0, 1.0))
    columns = max(min(4, len(shown)), 1)
    pairs = ratio_axes(rooms[0], -(-max(len(shown), 1) // columns), columns, ratios=truth is not None)
    for pair, column in zip(pairs, shown, strict=False):
        values = [side[column.name].values.ravel() for side in sides]
        values = [array[np.isfinite(array)] for array in values]
        known = np.concatenate(values)
        low, high = np.quantile(known, (0.001, 0.999)) if len(known) else (0.0, 1.0)
        edges = _edges(column, low, high)
        label = column.column + (f" [{column.units}]" if column.units not in ("", "1") else "")
        ratio_histogram(pair, (values[0], values[1] if truth is not None else None), edges, label)
    for upper, lower in pairs[len(shown) :]:
        upper.axis("off")
        if lower is not None:
            lower.axis("off")
    axes = rooms[1].subplots(1, 1 + COURSES)
    times = np.array(layout.bins.centres)
    label = f"{layout.time} [{layout.bins.units}]"
    for number, (side, colour) in enumerate(zip(sides, (SAMPLES, TRUTH), strict=False)):
        share, style = view.there(side).mean(axis=0), "-" if number == 0 else "--"
        signs = _spread(share.shape[1])
        for k, sign in enumerate(signs):
            axes[0].plot(times, share[:, sign], color=colour, linestyle=style)
            if number == 0:
                name = layout.measured[sign].column.replace("_", " ")
                place = k * len(times) // len(signs)  # side by side: what is measured together has one curve
                axes[0].annotate(name, (times[place], share[place, sign]), fontsize=7, va="bottom")
        for axis, column in zip(axes[1:], numbers, strict=False):
            _course(axis, view, side, column, times, colour, style)
    axes[0].set(xlabel=label, ylabel="share of records measured", ylim=(0, 1.08))
    for axis, column in zip(axes[1:], numbers, strict=False):
        axis.set(xlabel=label, ylabel=f"mean {column.column}")
        axis.plot([], [], color=SAMPLES, label="samples")
        if truth is not None:
            axis.plot([], [], color=TRUTH, linestyle="--", label="truth")
        axis.legend()
    for axis in axes[1 + len(numbers) :]:
        axis.axis("off")
    return canvas


def _edges(column: Any, low: float, high: float) -> np.ndarray:
    """Bins that hold equally many of the values that a rounded number can take."""
    high = high if high > low else low + 1.0
    if column.kind == "ordinal":
        return np.unique(np.concatenate([np.array(column.values) - 0.5, [max(column.values) + 0.5]]))
    step = 0.0 if column.decimals is None else 10.0**-column.decimals
    width = (high - low) / 30
    if not 0.0 < step < width * 30 or step < width / 50:
        return np.linspace(low, high, 31)
    width = max(round(width / step), 1) * step
    start = np.floor(low / step) * step - 0.5 * step
    return start + width * np.arange(int(np.ceil((high - start) / width)) + 1)


def _spread(count: int) -> list[int]:
    """Up to five of so many signs."""
    return sorted({int(k) for k in np.linspace(0, count - 1, min(count, 5)).round()})


def _course(axis: Any, view: View, side: xr.Dataset, column: Any, times: np.ndarray, colour: str, style: str) -> None:
    values = side[column.name].values
    outcome = view.layout.outcome
    groups = [(None, "")] if outcome is None else list(enumerate(outcome.labels))
    for code, word in groups:
        part = values if code is None else values[view.outcomes(side) == code]
        known = np.isfinite(part)
        mean = np.where(known, part, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
        axis.plot(times, mean, color=colour, linestyle=style)
        if word and style == "-":
            text = word if not word.isdigit() else f"{outcome.column} {word}"  # type: ignore[union-attr]
            axis.annotate(text, (times[-1], mean[-1]), fontsize=7, ha="right", va="bottom")
