"""One figure of crystals: unit cells drawn, space groups, distances and energies beside the truth's."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.crystals.distances import nearest_distances
from ...physics.crystals.elements import RADIUS, SYMBOLS, formula
from ...physics.crystals.groups import group
from ...plotting.palette import FAINT, of_class
from ...plotting.panels import density, histogram, styled
from .convert import rows_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

CELLS = 8
MOST = 1000


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Eight unit cells, then histograms of space groups, nearest distances, volumes and energies.

    Parameters
    ----------
    samples : Dataset
        The first 1,000 count; those with the fewest atoms per orbit are not preferred: the first eight are drawn.
    truth : Dataset, optional
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(11, 7.5), layout="constrained")
    rooms: Any = drawn.subfigures(2, 1, height_ratios=(1.7, 1.0))
    rows = list(rows_of(samples.isel(sample=slice(0, CELLS))))
    for k, row in enumerate(rows):
        axes = rooms[0].add_subplot(2, CELLS // 2, k + 1, projection="3d")
        _cell(axes, row)
    sides = [samples] if truth is None else [samples, truth]
    columns = [_numbers(side.isel(sample=slice(0, MOST))) for side in sides]
    pairs = [(columns[0][k], columns[1][k] if truth is not None else None) for k in range(4)]
    edges = (np.arange(0.5, 236, 5), np.linspace(0.4, 1.6, 37), np.linspace(5, 60, 37), np.linspace(-4.5, 1, 37))
    labels = (
        "space group number",
        "nearest pair / sum of covalent radii",
        "volume an atom [Å³]",
        "formation energy [eV/atom]\nours: estimate",
    )
    for axes, (ours, theirs), edge, label in zip(rooms[1].subplots(1, 4), pairs, edges, labels, strict=True):
        axes.set_xlabel(label)
        axes.set_yticks([])
        if not np.isfinite(ours).any():
            axes.text(0.5, 0.5, "not estimated", ha="center", va="center", transform=axes.transAxes)
            axes.set_xticks([])
            continue
        histogram(axes, (density(ours, edge), None if theirs is None else density(theirs, edge)))
    return drawn


def _numbers(data: xr.Dataset) -> list[np.ndarray]:
    out: list[list[float]] = [[], [], [], []]
    for row in rows_of(data):
        numbers = row["atomic_number"]
        firsts = np.flatnonzero(np.diff(row["orbit"], prepend=-1))
        distances = nearest_distances(row["lattice"], row["position"], firsts)
        size = RADIUS[numbers[firsts] - 1][:, None] + RADIUS[numbers - 1]
        out[0].append(row["group_number"])
        out[1].append((distances / size).min())
        out[2].append(abs(np.linalg.det(row["lattice"])) / len(numbers))
        if "estimated_formation_energy" in row:
            out[3].append(row["estimated_formation_energy"])
    return [np.array(column, dtype=float) for column in out]


def _cell(axes: Any, row: dict[str, Any]) -> None:
    """One conventional cell with the atoms on its faces repeated."""
    lattice = row["lattice"]
    corners = np.array(list(product((0, 1), repeat=3))) @ lattice
    for i, j in product(range(8), repeat=2):
        if i < j and bin(i ^ j).count("1") == 1:
            axes.plot(*np.stack((corners[i], corners[j])).T, color=FAINT, linewidth=0.6)
    points, numbers = row["position"], row["atomic_number"]
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    images = (points[:, None] + shifts).reshape(-1, 3)
    inside = ((images > -1e-6) & (images < 1 + 1e-6)).all(axis=1)
    kinds = np.repeat(numbers, len(shifts))[inside]
    places = images[inside] @ lattice
    composition = dict(zip(*(part.tolist() for part in np.unique(numbers, return_counts=True)), strict=True))
    for k, kind in enumerate(sorted(composition)):
        chosen = places[kinds == kind]
        size = 90 * RADIUS[kind - 1] ** 2 * 6 / max(np.ptp(corners, axis=0).max(), 4)
        axes.scatter(*chosen.T, s=size, color=of_class(k), label=SYMBOLS[kind - 1], edgecolors="k", linewidths=0.3)
    axes.set_title(f"{formula(composition)}  {group(row['group_number']).symbol}", pad=-2)
    axes.legend(loc="lower left", handletextpad=0, borderpad=0, fontsize=6, markerscale=0.45)
    axes.set_axis_off()
    axes.set_aspect("equal")
