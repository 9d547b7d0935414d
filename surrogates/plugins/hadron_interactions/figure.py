"""One figure of hadron-interactions: Feynman x and multiplicity by beam and target, with ratios to the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.hadrons.beams import TARGETS
from ...physics.hadrons.observables import FAMILIES, FEYNMAN_EDGES, MOMENTUM_EDGES
from ...plotting.panels import profile, ratio_axes, ratio_histogram, styled
from .measure import BEAMS, beam_class, reduce

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Spectra of Feynman x and transverse momentum, multiplicity and elasticity, by beam, target and family.

    Parameters
    ----------
    samples : Dataset
        Interactions to show, as lines.
    truth : Dataset, optional
        Interactions to compare with; adds the ratio panels.

    Returns
    -------
    Figure
        A matplotlib figure, 14 x 8 inches; the caller saves it.
    """
    from matplotlib.figure import Figure

    sides = [reduce(side) for side in (samples, truth) if side is not None]
    canvas = Figure(figsize=(14, 9), layout="constrained")
    pairs = ratio_axes(canvas, 2, 4, ratios=truth is not None)
    beams = [[beam_class(side) == k for side in sides] for k in range(len(BEAMS))]
    targets = [[side["target"].values == k for side in sides] for k in range(len(TARGETS))]
    x, pt = FEYNMAN_EDGES[1:], MOMENTUM_EDGES[:-1]
    _spectrum(pairs[0], sides, "feynman", [0] * 3, beams, BEAMS, x, r"$x_\mathrm{F}$ of charged pions, by beam")
    _spectrum(pairs[1], sides, "feynman", [2] * 4, targets, TARGETS, x, r"$x_\mathrm{F}$ of nucleons, by target")
    everything = [[np.ones(side.sizes["sample"], bool) for side in sides]]
    families = range(3)
    _spectrum(
        pairs[4], sides, "momentum", families, everything * 3, FAMILIES[:3], pt, r"$p_\mathrm{T}$ [GeV], by family"
    )
    _histogram(pairs[2], sides, "charged", targets, TARGETS, np.arange(0, 62, 2) - 0.5, "charged particles, by target")
    _histogram(pairs[3], sides, "elasticity", beams, BEAMS, np.linspace(0, 1, 31), "elasticity of the leading particle")
    _histogram(
        pairs[5], sides, "neutral_energy", beams, BEAMS, np.linspace(0, 1, 26), r"share of energy in $\pi^0$, $\eta$"
    )
    _histogram(pairs[6], sides, "left", targets[3:], TARGETS[3:], np.arange(-0.5, 57, 2), "nucleons left of Fe")
    return _against_energy(canvas, pairs[7], sides, targets)


def _spectrum(pair: Any, sides: Any, name: str, families: Any, parts: Any, names: Any, edges: Any, label: str) -> None:
    """Mean counts a bin width of each part: bins stand for their entries, and weights for their number."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    first = 1 if name == "feynman" else 0
    values = []
    for index, part in zip(families, parts, strict=True):
        own = []
        for side, chosen in zip(sides, part, strict=True):
            counts = side[name].values[chosen][:, index, first : first + len(middle)]
            own.append(np.repeat(middle, np.rint(counts.sum(0)).astype(np.int64)))
        values.append((own[0], own[1] if len(own) > 1 else None))
    ratio_histogram(pair, values, edges, label, names=names, logarithmic=True)
    pair[0].legend()


def _histogram(pair: Any, sides: Any, name: str, parts: Any, names: Any, edges: np.ndarray, label: str) -> None:
    values = []
    for part in parts:
        own = [side[name].values[chosen] for side, chosen in zip(sides, part, strict=True)]
        values.append((own[0], own[1] if len(own) > 1 else None))
    ratio_histogram(pair, values, edges, label, names=names, logarithmic=False)
    pair[0].legend()


def _against_energy(canvas: Any, pair: Any, sides: Any, targets: Any) -> Any:
    """Mean charged multiplicity against energy."""
    edges = np.geomspace(20.0, 10_000.0, 9)
    across = [side["energy"].values for side in sides] + [None] * (2 - len(sides))
    values = [side["charged"].values for side in sides] + [None] * (2 - len(sides))
    profile(pair[0], tuple(across), tuple(values), edges)
    pair[0].set(xscale="log", xlabel="energy [GeV]", ylabel="mean charged multiplicity")
    pair[0].legend()
    if pair[1] is not None:
        pair[1].remove()
    return canvas
