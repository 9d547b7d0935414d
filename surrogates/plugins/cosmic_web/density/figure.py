"""The page of figures of densities: slices in the field's usual colours, power, densities and peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..variables import SPACING
from .measure import DENSITIES, SHELLS, reduce

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SLAB = 4
"""Mesh points, 2 Mpc/h each, that a projection averages."""

SHOWN = 4


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Projected densities of the most evolved boxes of each side; mean power, densities and peaks of all boxes.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
        The reference's boxes of the same cosmologies.
    """
    from matplotlib.figure import Figure

    sides = {"surrogate": samples} if truth is None else {"surrogate": samples, "reference": truth}
    drawn = Figure(figsize=(12.5, 3.1 * (len(sides) + 1)), layout="constrained")
    grid = drawn.subplots(len(sides) + 1, SHOWN, squeeze=False)
    extent = samples.sizes["x"] * SPACING
    order = np.argsort(samples["redshift"].values)[:SHOWN]
    for row, (name, side) in enumerate(sides.items()):
        for axes in grid[row]:
            axes.axis("off")
        for axes, place in zip(grid[row], order, strict=False):
            image = np.log10(np.maximum(1 + side["density_contrast"].values[place, :, :, :SLAB].mean(axis=2), 0.02))
            shown = axes.imshow(
                image.T, origin="lower", extent=(0, extent, 0, extent), cmap="inferno", vmin=-1.2, vmax=1.4
            )
            axes.axis("on")
            redshift, amplitude = float(side["redshift"][place]), float(side["sigma_8"][place])
            axes.set_title(f"{name}, z = {redshift:.2f}, sigma_8 = {amplitude:.2f}", fontsize=9)
            axes.set(xlabel="x [Mpc/h]", ylabel="y [Mpc/h]")
        drawn.colorbar(shown, ax=grid[row].tolist(), label="log10 of density over the mean", shrink=0.8)
    _statistics(grid[-1], {name: reduce(side) for name, side in sides.items()})
    return drawn


def _statistics(panels: np.ndarray, sides: dict[str, xr.Dataset]) -> None:
    powers, densities, peaks, voids = panels
    k = (np.array(SHELLS[1:]) + np.array(SHELLS[:-1])) / 2
    middles = np.sqrt(DENSITIES[1:-1] * np.append(DENSITIES[2:-1], 80.0))
    for name, side in sides.items():
        logs = np.log(np.maximum(side["powers"].values, 1e-9))
        powers.errorbar(k, np.exp(logs.mean(axis=0)), yerr=None, label=name, marker="o", markersize=3)
        densities.plot(middles, side["densities"].values.mean(axis=0)[1:], label=name, drawstyle="steps-mid")
        bins = np.arange(0, 80, 8)
        peaks.hist(np.clip(side["high_peaks"].values, 0, 79), bins=bins, histtype="step", density=True, label=name)
        voids.hist(side["voids"].values, bins=np.arange(0, 26, 2), histtype="step", density=True, label=name)
    powers.set(xscale="log", yscale="log", xlabel="k [h/Mpc]", ylabel="P(k) [(Mpc/h)^3]", title="mean power")
    densities.set(xscale="log", xlabel="density over the mean", ylabel="share of points", title="densities")
    densities.set(yscale="log")
    peaks.set(xlabel="peaks above contrast 20 in a box", title="peaks")
    voids.set(xlabel="radius of voids [Mpc/h]", title="voids")
    for axes in panels:
        axes.legend(frameon=False, fontsize=8)
