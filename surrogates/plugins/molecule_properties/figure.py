"""One figure of molecule-properties: predictions against the simulation with intervals, and errors by size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...plotting.palette import FAINT, SAMPLES
from ...plotting.panels import parity, ratio_histogram, styled
from .measure import answered, heavy_atoms
from .variables import COVERAGE, SIMULATED

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "gap": ("HOMO-LUMO gap", "eV"),
    "dipole": ("dipole moment", "debye"),
    "log_p": (r"$\log P$", ""),
    "qed": ("QED", ""),
    "synthetic_accessibility": ("synthetic accessibility", ""),
}


@styled
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
    if truth is None or not np.array_equal(samples["smiles"].values, truth["smiles"].values):
        axes = canvas.subplots(2, 3).ravel()
        for panel, name in zip(axes, LABELS, strict=False):
            _histogram(panel, _titled(name), samples[name].values, None if truth is None else truth[name].values)
        width = (samples["gap_high"].values - samples["gap_low"].values)[answered(samples)]
        _histogram(axes[-1], "width of the gap's 90 % interval [eV]", width, None)
        return canvas
    axes: Any = canvas.subplots(2, 4)
    for row, name in enumerate(SIMULATED):
        _parity(axes[row, 0], name, samples, truth, intervals=True)
        _by_size(axes[row, 1], name, samples, truth)
        _coverage(axes[row, 2], name, samples, truth)
    _parity(axes[0, 3], "log_p", samples, truth)
    _parity(axes[1, 3], "qed", samples, truth)
    return canvas


def _titled(name: str) -> str:
    text, units = LABELS[name]
    return f"{text} [{units}]" if units else text


def _parity(panel: Axes, name: str, samples: xr.Dataset, truth: xr.Dataset, *, intervals: bool = False) -> None:
    """Prediction against reference, with the intervals of some molecules."""
    ends = (samples[f"{name}_low"].values, samples[f"{name}_high"].values) if intervals else None
    options: Any = {"units": LABELS[name][1], "ends": ends, "what": "90 % intervals"}
    parity(panel, samples[name].values, truth[name].values, **options)
    panel.set(xlabel=f"{_titled(name)}, reference", ylabel="predicted")


def _by_size(panel: Axes, name: str, samples: xr.Dataset, truth: xr.Dataset) -> None:
    """Residuals by heavy atoms: median, quartiles, and 5 to 95 %."""
    residual = samples[name].values - truth[name].values
    known = np.isfinite(residual)
    size, residual = heavy_atoms(truth)[known], residual[known]
    found = [count for count in np.unique(size) if (size == count).sum() >= 5]
    if found:
        parts = [residual[size == count] for count in found]
        panel.boxplot(parts, positions=found, whis=(5, 95), showfliers=False, widths=0.6)
    panel.axhline(0.0, color=FAINT, linewidth=0.8)
    panel.set(xlabel="heavy atoms", ylabel=f"predicted - reference [{LABELS[name][1]}]")


def _coverage(panel: Axes, name: str, samples: xr.Dataset, truth: xr.Dataset) -> None:
    """Share of molecules that their intervals hold, by the width of the interval, with its statistical error."""
    low, high, true = samples[f"{name}_low"].values, samples[f"{name}_high"].values, truth[name].values
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(true)
    width, held = (high - low)[known], ((true >= low) & (true <= high))[known]
    groups = [group for group in np.array_split(np.argsort(width), 8) if len(group) >= 5]
    share = np.array([held[group].mean() for group in groups])
    error = [np.sqrt(max(p * (1 - p), 1e-4) / len(group)) for p, group in zip(share, groups, strict=True)]
    panel.errorbar([width[group].mean() for group in groups], share, yerr=error, fmt="o-", color=SAMPLES)
    panel.axhline(COVERAGE, color=FAINT, linewidth=0.8)
    panel.set(xlabel=f"width of the 90 % interval [{LABELS[name][1]}]", ylabel="share held", ylim=(0.5, 1.0))
    panel.set_title(f"{held.mean():.3f} in all" if len(held) else "no intervals")


def _histogram(panel: Axes, label: str, samples: np.ndarray, truth: np.ndarray | None) -> None:
    together = samples if truth is None else np.concatenate([samples, truth])
    finite = together[np.isfinite(together)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    ratio_histogram((panel, None), (samples, truth), np.linspace(low, high if high > low else low + 1.0, 41), label)
    panel.set_ylabel("density")
    panel.legend()
