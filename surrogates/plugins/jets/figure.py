"""One figure of the jets domain: distributions by type with ratios to the truth, and average jet images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.jets.observables import mean_image
from .measure import OBSERVABLES, constituents, observe
from .simulation import JET_TYPES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLOURS = {"gluon": "#0072B2", "light_quark": "#009E73", "top": "#D55E00"}
"""Colour-blind-safe colours of the types (Okabe & Ito)."""

PANELS: tuple[tuple[str, str, tuple[float, float], int, bool], ...] = (
    ("jet_mass", "jet mass [GeV]", (0.0, 400.0), 40, False),
    ("n_constituents_all", "constituents in the jet", (0.0, 200.0), 40, False),
    ("constituent_pt_rel", r"constituent $p_\mathrm{T}^\mathrm{rel}$", (0.0, 0.4), 40, True),
    ("tau32", r"$\tau_{32}$", (0.0, 1.0), 40, False),
)
"""Quantity, axis label, range, bins, logarithmic counts."""

_IMAGE_BINS, _IMAGE_EXTENT = 40, 0.8


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Jet mass, multiplicity, constituent pT and tau32 of each type, and average images.

    Parameters
    ----------
    samples : Dataset
        Jets to show, as lines.
    truth : Dataset, optional
        Jets to compare with, as filled histograms; adds the ratio panels and the truth's images.

    Returns
    -------
    Figure
        A matplotlib figure, 13 x 8 inches; the caller saves it.
    """
    from matplotlib.figure import Figure

    sides = [samples] if truth is None else [samples, truth]
    quantities = [_quantities(side) for side in sides]
    canvas = Figure(figsize=(13, 8), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(1.8, 1.0))
    above, below = rooms
    rows = 1 if truth is None else 2
    axes = above.subplots(
        rows, len(PANELS), squeeze=False, sharex="col", gridspec_kw={"height_ratios": (3, 1)[:rows], "hspace": 0.02}
    )
    for column, (name, label, limits, bins, logarithmic) in enumerate(PANELS):
        edges = np.linspace(*limits, bins + 1)
        main = axes[0, column]
        for code, kind in enumerate(JET_TYPES):
            counts = [_density(side, name, code, edges) for side in quantities]
            _draw(main, edges, counts, COLOURS[kind], kind.replace("_", " "), truth is not None)
            if truth is not None:
                _draw_ratio(axes[1, column], edges, counts, COLOURS[kind])
        main.set_yscale("log" if logarithmic else "linear")
        main.set_ylim(bottom=None if logarithmic else 0.0)
        main.set_xlim(*limits)
        axes[-1, column].set_xlabel(label)
    axes[0, 0].set_ylabel("density")
    axes[0, 1].legend(frameon=False, fontsize="small", title=None if truth is None else "line: samples, filled: truth")
    if truth is not None:
        axes[1, 0].set_ylabel("samples / truth")
    _draw_images(below, sides)
    return canvas


def _quantities(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    observed = observe(dataset)
    return {
        "jet_type": dataset["jet_type"].values,
        "jet_mass": dataset["jet_mass"].values,
        "n_constituents_all": dataset["n_constituents_all"].values,
        "constituent_pt_rel": dataset["constituent_pt_rel"].values,
        "tau32": observed[:, OBSERVABLES.index("tau32")],
    }


def _density(
    quantities: dict[str, np.ndarray], name: str, code: int, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised counts and their Poisson errors."""
    values = quantities[name][quantities["jet_type"] == code].ravel()
    if name == "constituent_pt_rel":
        values = values[values > 0]
    counts, _ = np.histogram(values, edges)
    scale = max(len(values), 1) * np.diff(edges)
    return counts / scale, np.sqrt(counts) / scale


def _draw(axes: Any, edges: np.ndarray, counts: list[Any], colour: str, label: str, filled: bool) -> None:
    if filled:
        axes.stairs(counts[1][0], edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    axes.stairs(counts[0][0], edges, color=colour, linewidth=1.4, label=label)


def _draw_ratio(axes: Any, edges: np.ndarray, counts: list[Any], colour: str) -> None:
    (value, error), (reference, reference_error) = counts
    good = (reference > 0) & (value > 0)
    safe = np.where(good, reference, 1.0)
    ratio = np.where(good, value / safe, np.nan)
    relative = np.hypot(error / np.where(good, value, 1.0), reference_error / safe)
    axes.stairs(ratio, edges, color=colour, linewidth=1.0, baseline=None)
    middle = 0.5 * (edges[1:] + edges[:-1])
    axes.errorbar(middle, ratio, ratio * relative, fmt="none", ecolor=colour, alpha=0.5, linewidth=0.8)
    axes.axhline(1.0, color="black", linewidth=0.6, linestyle=":")
    axes.set_ylim(0.5, 1.5)


def _draw_images(canvas: Any, sides: list[xr.Dataset]) -> None:
    """Average jet images: one row, a type at a time, samples beside the truth, on one colour scale a type."""
    from matplotlib.colors import LogNorm

    names = ("samples", "truth")[: len(sides)]
    axes = canvas.subplots(1, len(JET_TYPES) * len(sides), squeeze=False)[0]
    extent = (-_IMAGE_EXTENT, _IMAGE_EXTENT, -_IMAGE_EXTENT, _IMAGE_EXTENT)
    image = None
    for code, kind in enumerate(JET_TYPES):
        for position, (name, side) in enumerate(zip(names, sides, strict=True)):
            jets = constituents(side)[side["jet_type"].values == code]
            panel = axes[code * len(sides) + position]
            pixels = mean_image(jets, _IMAGE_BINS, _IMAGE_EXTENT)
            image = panel.imshow(
                np.where(pixels > 0, pixels, np.nan).T,
                extent=extent,
                origin="lower",
                cmap="viridis",
                norm=LogNorm(1e-6, 1.0),
            )
            panel.set_title(f"{kind.replace('_', ' ')}, {name}", fontsize="small")
            panel.set_xlabel(r"$\eta^\mathrm{rel}$")
    axes[0].set_ylabel(r"$\phi^\mathrm{rel}$")
    if image is not None:
        canvas.colorbar(image, ax=list(axes), label=r"mean $p_\mathrm{T}^\mathrm{rel}$ a pixel", shrink=0.8)
