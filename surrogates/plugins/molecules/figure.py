"""One figure of molecules: a grid of them, their properties beside the truth's, and found against asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.molecules.descriptors import DESCRIPTORS, describe
from .drawing import picture
from .measure import NAMES, texts
from .variables import CONDITIONS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SAMPLES, TRUTH = "#D55E00", "#0072B2"
"""Colour-blind-safe colours (Okabe & Ito)."""

MOST = 2000
"""Molecules that the histograms and points show."""


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Twenty-four molecules, histograms of the five properties, and found against asked values.

    Parameters
    ----------
    samples : Dataset
        The first 2,000 are shown.
    truth : Dataset, optional
        Adds its histograms, filled.

    Returns
    -------
    Figure
        A matplotlib figure, 13 x 11 inches; the caller saves it.
    """
    from matplotlib.figure import Figure

    sides = [side.isel(sample=slice(0, MOST)) for side in ([samples] if truth is None else [samples, truth])]
    found = [describe(texts(side)) for side in sides]
    valid = float(np.isfinite(found[0][:, 0]).mean()) if len(found[0]) else 0.0
    canvas = Figure(figsize=(13, 11), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(1.3, 1.0))
    page = rooms[0].subplots()
    page.axis("off")
    page.set_title(f"{valid:.1%} of {len(found[0])} valid; found (asked)", fontsize="small")
    if valid > 0.0:
        page.imshow(np.asarray(picture(samples, columns=8, side=200)), interpolation="antialiased")
    axes = rooms[1].subplots(2, len(DESCRIPTORS), squeeze=False)
    for column, name in enumerate(NAMES):
        _histogram(axes[0, column], name, [side[:, column] for side in found])
        _scatter(axes[1, column], name, sides[0], found[0][:, column])
    axes[0, 0].set_ylabel("density")
    axes[1, 0].set_ylabel("found")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, -1].legend(handles, labels, frameon=False, fontsize="small")
    return canvas


def _histogram(axes: Any, name: str, sides: list[np.ndarray]) -> None:
    finite = [side[np.isfinite(side)] for side in sides]
    whole = np.concatenate(finite)
    if len(whole):
        low, high = np.quantile(whole, [0.001, 0.999])
        edges = np.linspace(low, high if high > low else low + 1.0, 41)
        for values, colour, told in reversed(list(zip(finite, (SAMPLES, TRUTH), ("samples", "truth"), strict=False))):
            counts, _ = np.histogram(values, edges)
            density = counts / max(len(values), 1) / np.diff(edges)
            filled = told == "truth"
            axes.stairs(density, edges, color=colour, label=told, fill=filled, alpha=0.35 if filled else 1.0)
    units = CONDITIONS[name].units
    axes.set_xlabel(name.replace("_", " ") + ("" if units == "1" else f" [{units}]"), fontsize="small")


def _scatter(axes: Any, name: str, samples: xr.Dataset, found: np.ndarray) -> None:
    axes.set_xlabel(f"asked {name.replace('_', ' ')}", fontsize="small")
    asked = samples[name].values if name in samples else np.full(len(found), np.nan)
    known = np.isfinite(asked) & np.isfinite(found)
    if not known.any():
        axes.text(0.5, 0.5, "not asked", transform=axes.transAxes, ha="center", va="center", color="grey")
        return
    axes.plot(asked[known], found[known], ".", color=SAMPLES, markersize=2, alpha=0.4, rasterized=True)
    limits = np.quantile(np.concatenate([asked[known], found[known]]), [0.0, 1.0])
    axes.plot(limits, limits, color="black", linewidth=0.6, linestyle=":")
    error = float(np.abs(found[known] - asked[known]).mean())
    axes.text(0.04, 0.92, f"mean |error| {error:.3g}", transform=axes.transAxes, fontsize="x-small")
