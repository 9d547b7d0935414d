"""One figure of the records: values, gaps and courses beside the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...plotting.palette import SAMPLES, TRUTH
from ...plotting.panels import ratio_axes, ratio_histogram, styled
from .tables import table
from .variables import NAMES, OUTCOMES, SIGNS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SHOWN = (
    ("heart_rate", (40.0, 150.0)),
    ("systolic_arterial_pressure", (60.0, 200.0)),
    ("creatinine", (0.0, 6.0)),
    ("glucose", (50.0, 350.0)),
)


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Distributions by outcome, the share measured over time, and mean courses.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional

    Returns
    -------
    Figure
        12 x 8 inches.
    """
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(12, 8), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(1.3, 1.0))
    sides = [samples] if truth is None else [samples, truth]
    cells = [table(side) for side in sides]
    died = [side["outcome"].values == 1 for side in sides]
    pairs = ratio_axes(rooms[0], 1, len(SHOWN), ratios=truth is not None)
    words = {name: (text, units) for name, text, units, _ in SIGNS}
    for pair, (name, limits) in zip(pairs, SHOWN, strict=True):
        sign = NAMES.index(name)
        values = []
        for code in (False, True):
            own = [c[d == code][:, :, sign].ravel() for c, d in zip(cells, died, strict=True)]
            own = [v[np.isfinite(v)] for v in own]
            values.append((own[0], own[1] if truth is not None else None))
        text, units = words[name]
        units = {"torr": "mmHg", "min-1": ""}.get(units, units)
        label = text.removesuffix(" (mmHg)") + (f" [{units}]" if units else "")
        ratio_histogram(pair, values, np.linspace(*limits, 31), label, names=OUTCOMES)
    pairs[0][0].legend()
    axes = rooms[1].subplots(1, 3)
    _shares(axes[0], cells)
    _courses(axes[1], cells, died, "blood_urea_nitrogen", "blood urea nitrogen [mg/dL]")
    _courses(axes[2], cells, died, "glasgow_coma_scale", "Glasgow coma scale")
    return canvas


def _shares(axis: Any, cells: list[np.ndarray]) -> None:
    hours = 2.0 + 4.0 * np.arange(cells[0].shape[1])
    chosen = ("heart_rate", "mean_arterial_pressure", "haematocrit", "creatinine", "respiratory_rate")
    for number, (side, colour) in enumerate(zip(cells, (SAMPLES, TRUTH), strict=False)):
        for name in chosen:
            share = np.isfinite(side[:, :, NAMES.index(name)]).mean(axis=0)
            axis.plot(hours, share, color=colour, linestyle="-" if number == 0 else "--")
            if number == 0:
                axis.annotate(name.replace("_", " "), (hours[6], share[6]), fontsize=7, va="bottom")
    axis.set(xlabel="hours since admission", ylabel="share of stays measured", ylim=(0, 1.08))


def _courses(axis: Any, cells: list[np.ndarray], died: list[np.ndarray], name: str, label: str) -> None:
    hours = 2.0 + 4.0 * np.arange(cells[0].shape[1])
    for number, (side, dead, colour) in enumerate(zip(cells, died, (SAMPLES, TRUTH), strict=False)):
        for code, word in enumerate(OUTCOMES):
            values = side[dead == code][:, :, NAMES.index(name)]
            known = np.isfinite(values)
            mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
            axis.plot(hours, mean, color=colour, linestyle="-" if number == 0 else "--")
            axis.annotate(word, (hours[-1], mean[-1]), fontsize=7, ha="right", va="bottom")
    axis.set(xlabel="hours since admission", ylabel=f"mean {label}")
    axis.plot([], [], color=SAMPLES, label="samples")
    if len(cells) > 1:
        axis.plot([], [], color=TRUTH, linestyle="--", label="truth")
    axis.legend()
