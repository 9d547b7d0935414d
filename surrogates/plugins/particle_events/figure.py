"""Figures of tau-pair events: samples on the truth, ratio panels below, spins and energy dependence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...physics.particle_events import ENERGY_EDGES
from ...physics.particle_events.spin import decay_pairs
from .measure import LARGEST_MODES, energy_profile, measure
from .particles import channel_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = Mapping[str, np.ndarray]

TRUTH_COLOUR = "#3d3d3d"
SAMPLES_COLOUR = "#0b6e99"
LEAST = 30

SPECTRA: tuple[tuple[tuple[str, ...], str, tuple[float, float]], ...] = (
    (("x_pi_minus", "x_pi_plus"), r"$x$ of $\tau\to\pi\nu$", (0.0, 1.0)),
    (("x_rho_minus", "x_rho_plus"), r"$x$ of $\tau\to\pi\pi^0\nu$", (0.0, 1.0)),
    (("x_electron_minus", "x_electron_plus", "x_muon_minus", "x_muon_plus"), r"$x$ of $\tau\to\ell\nu\nu$", (0.0, 1.0)),
    (("mass_rho_minus", "mass_rho_plus"), r"$m(\pi\pi^0)$ [GeV]", (0.28, 1.5)),
    (
        ("mass_three_pion_three_prong_minus", "mass_three_pion_three_prong_plus"),
        r"$m(\pi^-\pi^-\pi^+)$ [GeV]",
        (0.5, 1.75),
    ),
    (("visible_energy_fraction",), r"$E_\mathrm{vis}/\sqrt{s}$", (0.0, 1.0)),
    (("hardest_photon_minus", "hardest_photon_plus"), r"hardest decay photon, $E_\gamma/E_\mathrm{beam}$", (0.0, 0.9)),
    (("log_hardest_radiation",), r"hardest radiated photon, $\log_{10}E_\gamma/\sqrt{s}$", (-3.0, -0.25)),
    (("acoplanarity",), "acoplanarity [rad]", (0.0, 0.8)),
    (("pair_mass_fraction",), r"$m_{\tau\tau}/\sqrt{s}$", (0.0, 1.001)),
)


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Spectra with ratio panels, energy correlation, decay-plane angles, A_FB and branching fractions on one page.

    Parameters
    ----------
    samples : xarray.Dataset
        Events, or observables from `measure.reduce`.
    truth : xarray.Dataset, optional
        What to compare with; statistical errors are drawn on both.
    """
    from matplotlib.figure import Figure

    ours = _columns(samples)
    theirs = _columns(truth) if truth is not None else None
    page = Figure(figsize=(15.5, 12.5), layout="constrained")
    cells = page.add_gridspec(3, 5)
    for place, (names, label, window) in enumerate(SPECTRA):
        _spectrum(page, cells[place // 5, place % 5], _joined(ours, names), _joined(theirs, names), label, window)
    _energy_correlation(page, cells[2, 0], ours, theirs)
    both = [_taken(ours, _spin_pairs(ours)), None if theirs is None else _taken(theirs, _spin_pairs(theirs))]
    assert both[0] is not None
    turn = 2 * np.pi
    for place, name, label in ((1, "azimuth_sum", "sum"), (2, "azimuth_difference", "difference")):
        text = rf"azimuth {label} [rad], $\pi/\rho$ pairs"
        _spectrum(
            page, cells[2, place], both[0][name], None if both[1] is None else both[1][name], text, (0.0, turn), 18
        )
    _asymmetry(page, cells[2, 3], ours, theirs)
    _branching(page, cells[2, 4], ours, theirs)
    handles = [
        page.axes[0].plot([], [], color=SAMPLES_COLOUR, lw=1.6)[0],
        page.axes[0].errorbar([], [], [], color=TRUTH_COLOUR, fmt="o", ms=3),
    ]
    counts = [len(ours["energy"]), 0 if theirs is None else len(theirs["energy"])]
    labels = [f"samples ({counts[0]:,} events)", f"truth ({counts[1]:,} events)"]
    shown = 1 if theirs is None else 2
    page.legend(handles[:shown], labels[:shown], loc="outside upper center", ncols=2, frameon=False)
    return page


def _columns(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    reduced = measure.reduce(dataset)
    return {str(name): reduced[name].values for name in reduced.data_vars}


def _taken(columns: Columns, mask: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[mask] for name, values in columns.items()}


def _spin_pairs(columns: Columns) -> np.ndarray:
    pairs = decay_pairs(columns["decay_minus"], columns["decay_plus"])
    return np.logical_or.reduce(list(pairs.values()))


def _joined(columns: Columns | None, names: tuple[str, ...]) -> np.ndarray | None:
    return None if columns is None else np.concatenate([columns[name] for name in names])


def _density(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Density in bins and its Poisson error, normalised to all finite values."""
    finite = values[np.isfinite(values)]
    count, _ = np.histogram(np.clip(finite, edges[0], edges[-1]), edges)
    scale = 1.0 / (max(len(finite), 1) * np.diff(edges))
    return count * scale, np.sqrt(count) * scale


def _spectrum(
    page: Any,
    cell: Any,
    ours: np.ndarray | None,
    theirs: np.ndarray | None,
    label: str,
    window: tuple[float, float],
    bins: int = 30,
) -> None:
    """Density above, ratio to the truth below; the outermost bins hold what lies beyond the window."""
    assert ours is not None
    edges = np.linspace(*window, bins + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    split = cell.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.03)
    upper = page.add_subplot(split[0])
    mine, mine_error = _density(ours, edges)
    upper.stairs(mine, edges, color=SAMPLES_COLOUR, lw=1.4)
    if theirs is None:
        upper.set_xlabel(label, fontsize=9)
        return
    true, true_error = _density(theirs, edges)
    upper.errorbar(middle, true, true_error, fmt="o", ms=2.2, lw=0.8, color=TRUTH_COLOUR)
    upper.tick_params(labelbottom=False, labelsize=8)
    upper.set_ylim(bottom=0.0)
    if true.max() > 50 * np.median(true):
        upper.set_yscale("log")
        upper.set_ylim(bottom=max(true[true > 0].min(initial=1.0) * 0.5, 1e-6))
    lower = page.add_subplot(split[1], sharex=upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, band = mine / true, true_error / true
        error = mine_error / true
    lower.fill_between(middle, 1 - band, 1 + band, step="mid", color=TRUTH_COLOUR, alpha=0.18, lw=0)
    known = np.isfinite(ratio)
    lower.errorbar(middle[known], ratio[known], error[known], fmt="o", ms=2.2, lw=0.8, color=SAMPLES_COLOUR)
    lower.axhline(1.0, color=TRUTH_COLOUR, lw=0.7)
    lower.set_ylim(0.7, 1.3)
    lower.set_xlim(*window)
    lower.tick_params(labelsize=8)
    lower.set_xlabel(label, fontsize=9)
    lower.set_ylabel("ratio", fontsize=8)


def _energy_correlation(page: Any, cell: Any, ours: Columns, theirs: Columns | None) -> None:
    """Mean x+ in bins of x-, both taus decaying to pi or rho."""
    axes = page.add_subplot(cell)
    edges = np.linspace(0.0, 1.0, 11)
    middle = 0.5 * (edges[1:] + edges[:-1])
    for columns, colour, mark in ((ours, SAMPLES_COLOUR, "s"), (theirs, TRUTH_COLOUR, "o")):
        if columns is None:
            continue
        chosen = _taken(columns, _spin_pairs(columns))
        if len(chosen["energy"]) < LEAST:
            continue
        bins = np.clip(np.digitize(chosen["x_minus"], edges) - 1, 0, 9)
        count = np.bincount(bins, minlength=10)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(bins, chosen["x_plus"], minlength=10) / count
            error = np.sqrt(np.bincount(bins, chosen["x_plus"] ** 2, minlength=10) / count - mean**2) / np.sqrt(count)
        pearson = np.corrcoef(chosen["x_minus"], chosen["x_plus"])[0, 1]
        axes.errorbar(middle, mean, error, fmt=mark, ms=3.5, lw=1, color=colour, label=f"correlation {pearson:.3f}")
    axes.set_xlabel(r"$x_-$, $\pi/\rho$ pairs", fontsize=9)
    axes.set_ylabel(r"mean $x_+$", fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    axes.tick_params(labelsize=8)


def _asymmetry(page: Any, cell: Any, ours: Columns, theirs: Columns | None) -> None:
    """A_FB of the tau- in bins of sqrt(s), without and with initial-state radiation."""
    axes = page.add_subplot(cell)
    middle = np.sqrt(np.array(ENERGY_EDGES[1:]) * np.array(ENERGY_EDGES[:-1]))
    for columns, colour, mark in ((ours, SAMPLES_COLOUR, "s"), (theirs, TRUTH_COLOUR, "o")):
        for code, filled in ((0, True), (1, False)):
            if columns is None:
                continue
            mean, error, count = energy_profile(
                "forward_backward_asymmetry", _taken(columns, columns["initial_state_radiation"] == code)
            )
            kept = count >= LEAST
            face = colour if filled else "none"
            axes.errorbar(middle[kept], mean[kept], error[kept], fmt=mark, ms=3.5, lw=1, color=colour, mfc=face)
    axes.axhline(0.0, color=TRUTH_COLOUR, lw=0.6)
    axes.set_xscale("log")
    axes.set_xticks([10, 20, 50, 100, 200], ["10", "20", "50", "100", "200"])
    axes.minorticks_off()
    axes.set_xlabel(r"$\sqrt{s}$ [GeV]  (open: with initial-state radiation)", fontsize=9)
    axes.set_ylabel(r"$A_\mathrm{FB}(\tau^-)$", fontsize=9)
    axes.tick_params(labelsize=8)


def _branching(page: Any, cell: Any, ours: Columns, theirs: Columns | None) -> None:
    """Fractions of the ten largest decay modes."""
    axes = page.add_subplot(cell)
    names = [channel_names()[mode].replace("_", " ") for mode in LARGEST_MODES]
    places = np.arange(len(names))
    for columns, colour, mark in ((ours, SAMPLES_COLOUR, "s"), (theirs, TRUTH_COLOUR, "o")):
        if columns is None:
            continue
        modes = np.concatenate([columns["decay_minus"], columns["decay_plus"]])
        share = np.array([(modes == mode).mean() for mode in LARGEST_MODES])
        axes.errorbar(share, places, xerr=np.sqrt(share / len(modes)), fmt=mark, ms=3.5, lw=1, color=colour)
    axes.set_yticks(places, names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("branching fraction", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
