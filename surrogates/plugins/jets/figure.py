"""One figure of the jets domain: distributions by type with ratios to the truth, and average jet images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.jets.observables import mean_image
from ...physics.jets.simulation import JET_TYPES
from ...plotting.images import field
from ...plotting.panels import ratio_axes, ratio_histogram, styled
from .measure import OBSERVABLES, constituents, observe

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PANELS: tuple[tuple[str, str, tuple[float, float], bool], ...] = (
    ("jet_mass", "jet mass [GeV]", (0.0, 400.0), False),
    ("n_constituents_all", "constituents in the jet", (0.0, 200.0), False),
    ("constituent_pt_rel", r"constituent $p_\mathrm{T}^\mathrm{rel}$", (0.0, 0.4), True),
    ("tau32", r"$\tau_{32}$", (0.0, 1.0), False),
)
"""Quantity, axis label, range, logarithmic counts."""

_BINS, _EXTENT = 40, 0.8


@styled
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
    quantities = [[_quantities(side, code) for code in range(len(JET_TYPES))] for side in sides]
    names = [kind.replace("_", " ") for kind in JET_TYPES]
    canvas = Figure(figsize=(13, 8), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(1.8, 1.0))
    above, below = rooms
    pairs = ratio_axes(above, 1, len(PANELS), ratios=truth is not None)
    for pair, (name, label, limits, logarithmic) in zip(pairs, PANELS, strict=True):
        values = [
            (quantities[0][code][name], None if truth is None else quantities[1][code][name])
            for code in range(len(JET_TYPES))
        ]
        ratio_histogram(pair, values, np.linspace(*limits, _BINS + 1), label, names=names, logarithmic=logarithmic)
    pairs[0][0].set_ylabel("density")
    pairs[1][0].legend(title=None if truth is None else "line: samples, filled: truth")
    if pairs[0][1] is not None:
        pairs[0][1].set_ylabel("samples / truth")
    _draw_images(below, sides)
    return canvas


def _quantities(dataset: xr.Dataset, code: int) -> dict[str, np.ndarray]:
    """What the panels show of the jets of one type."""
    side = dataset.isel(sample=np.flatnonzero(dataset["jet_type"].values == code))
    momenta = side["constituent_pt_rel"].values
    return {
        "jet_mass": side["jet_mass"].values,
        "n_constituents_all": side["n_constituents_all"].values,
        "constituent_pt_rel": momenta[momenta > 0],
        "tau32": observe(side)[:, OBSERVABLES.index("tau32")],
    }


def _draw_images(room: Any, sides: list[xr.Dataset]) -> None:
    """Average jet images: a type at a time, samples beside the truth, on one colour scale."""
    from matplotlib.colors import LogNorm

    row = list(room.subplots(1, len(JET_TYPES) * len(sides), squeeze=False)[0])
    extent = (-_EXTENT, _EXTENT, -_EXTENT, _EXTENT)
    image = None
    for place, axes in enumerate(row):
        code, number = divmod(place, len(sides))
        jets = constituents(sides[number])[sides[number]["jet_type"].values == code]
        pixels = mean_image(jets, _BINS, _EXTENT)
        title = f"{JET_TYPES[code].replace('_', ' ')}, {('samples', 'truth')[number]}"
        image = field(axes, np.where(pixels > 0, pixels, np.nan).T, title, extent=extent, norm=LogNorm(1e-6, 1.0))
        axes.set_xlabel(r"$\eta^\mathrm{rel}$")
    row[0].set_ylabel(r"$\phi^\mathrm{rel}$")
    room.colorbar(image, ax=row, label=r"mean $p_\mathrm{T}^\mathrm{rel}$ a pixel", shrink=0.8)
