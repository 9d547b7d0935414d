"""One figure of molecule-properties: predictions against the simulation with intervals, and errors by size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .measure import answered, heavy_atoms
from .variables import COVERAGE, SIMULATED

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"  # colour-blind-safe (Okabe & Ito)
LABELS = {
    "gap": ("HOMO-LUMO gap", "eV"),
    "dipole": ("dipole moment", "debye"),
    "log_p": (r"$\log P$", ""),
    "qed": ("QED", ""),
    "synthetic_accessibility": ("synthetic accessibility", ""),
}
SHOWN = 150
"""Molecules whose intervals are drawn."""


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Gap and dipole against the simulation, their errors and coverage by heavy atoms, and RDKit's properties.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
        The same molecules in the same rows; of other molecules only distributions are compared.

    Returns
    -------
    Figure
        A matplotlib figure, 12 x 7 inches; the caller saves it.
    """
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(12, 7), layout="constrained")
    paired = truth is not None and np.array_equal(samples["smiles"].values, truth["smiles"].values)
    if truth is None or not paired:
        axes = canvas.subplots(2, 3).ravel()
        for panel, name in zip(axes, LABELS, strict=False):
            _distribution(panel, name, samples, truth)
        _widths(axes[-1], samples)
        return canvas
    axes: Any = canvas.subplots(2, 4)
    for row, name in enumerate(SIMULATED):
        _parity(axes[row, 0], name, samples, truth)
        _by_size(axes[row, 1], name, samples, truth)
        _coverage(axes[row, 2], name, samples, truth)
    _density(axes[0, 3], "log_p", samples, truth)
    _density(axes[1, 3], "qed", samples, truth)
    return canvas


def _known(name: str, samples: xr.Dataset, truth: xr.Dataset) -> np.ndarray:
    return np.isfinite(samples[name].values) & np.isfinite(truth[name].values)


def _titled(name: str) -> str:
    text, units = LABELS[name]
    return f"{text} [{units}]" if units else text


def _density(panel: Any, name: str, samples: xr.Dataset, truth: xr.Dataset) -> tuple[float, float]:
    """Counts of molecules in the plane of truth and prediction; returns the limits of both axes."""
    known = _known(name, samples, truth)
    true, value = truth[name].values[known], samples[name].values[known]
    together = np.concatenate([true, value]) if len(true) else np.array([0.0, 1.0])
    low, high = float(together.min()), float(together.max())
    panel.hexbin(true, value, gridsize=45, bins="log", cmap="Blues", mincnt=1, extent=(low, high, low, high))
    panel.plot([low, high], [low, high], color=GREY, linewidth=0.8)
    error = float(np.abs(true - value).mean()) if len(true) else float("nan")
    text, units = LABELS[name]
    panel.set(xlabel=f"{_titled(name)}, reference", ylabel="predicted", title=f"MAE {error:.3g} {units}".strip())
    return low, high


def _parity(panel: Any, name: str, samples: xr.Dataset, truth: xr.Dataset) -> None:
    """Prediction against reference, with the intervals of some molecules."""
    _density(panel, name, samples, truth)
    rows = np.flatnonzero(_known(name, samples, truth))[:SHOWN]
    value = samples[name].values[rows]
    ends = np.stack((value - samples[f"{name}_low"].values[rows], samples[f"{name}_high"].values[rows] - value))
    panel.errorbar(
        truth[name].values[rows],
        value,
        yerr=np.maximum(ends, 0.0),
        fmt=".",
        markersize=2,
        linewidth=0.5,
        color=ORANGE,
        label="90 % intervals",
    )
    panel.legend(fontsize="small", frameon=False, loc="upper left")


def _by_size(panel: Any, name: str, samples: xr.Dataset, truth: xr.Dataset) -> None:
    """Residuals by heavy atoms: median, quartiles, and 5 to 95 %."""
    known = _known(name, samples, truth)
    size, residual = heavy_atoms(truth)[known], (samples[name].values - truth[name].values)[known]
    found = [count for count in np.unique(size) if (size == count).sum() >= 5]
    if found:
        panel.boxplot(
            [residual[size == count] for count in found], positions=found, whis=(5, 95), showfliers=False, widths=0.6
        )
    panel.axhline(0.0, color=GREY, linewidth=0.8)
    panel.set(xlabel="heavy atoms", ylabel=f"predicted - reference [{LABELS[name][1]}]")


def _coverage(panel: Any, name: str, samples: xr.Dataset, truth: xr.Dataset) -> None:
    """Share of molecules that their intervals hold, by the width of the interval, with its statistical error."""
    low, high, true = samples[f"{name}_low"].values, samples[f"{name}_high"].values, truth[name].values
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(true)
    width, held = (high - low)[known], ((true >= low) & (true <= high))[known]
    order = np.argsort(width)
    groups = [group for group in np.array_split(order, 8) if len(group) >= 5]
    share = np.array([held[group].mean() for group in groups])
    error = [np.sqrt(max(p * (1 - p), 1e-4) / len(group)) for p, group in zip(share, groups, strict=True)]
    panel.errorbar([width[group].mean() for group in groups], share, yerr=error, fmt="o-", color=BLUE, markersize=3)
    panel.axhline(COVERAGE, color=GREY, linewidth=0.8)
    total = f"{held.mean():.3f} in all" if len(held) else "no intervals"
    panel.set(
        xlabel=f"width of the 90 % interval [{LABELS[name][1]}]", ylabel="share held", ylim=(0.5, 1.0), title=total
    )


def _distribution(panel: Any, name: str, samples: xr.Dataset, truth: xr.Dataset | None) -> None:
    sides = [(samples, "samples", BLUE)] + ([(truth, "reference", ORANGE)] if truth is not None else [])
    for data, label, colour in sides:
        values = data[name].values[np.isfinite(data[name].values)]
        if len(values):
            panel.hist(values, 40, density=True, histtype="step", color=colour, label=label)
    panel.set(xlabel=_titled(name), ylabel="density")
    panel.legend(fontsize="small", frameon=False)


def _widths(panel: Any, samples: xr.Dataset) -> None:
    width = (samples["gap_high"].values - samples["gap_low"].values)[answered(samples)]
    width = width[np.isfinite(width)]
    if len(width):
        panel.hist(width, 40, density=True, histtype="step", color=BLUE)
    panel.set(xlabel="width of the gap's 90 % interval [eV]", ylabel="density")
