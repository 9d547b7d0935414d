"""The page of figures of cosmic-web: projected densities in the field's usual colours, power and phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .variables import SPACING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SLAB = 8
"""Mesh points, 2 Mpc/h each, that a projection averages."""


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None, spacing: float = SPACING) -> Figure:
    """Projected density of the most evolved box, a zoom, and what differs; mean power and r(k) of all boxes.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
        The reference's boxes from the same initial fields.
    """
    from matplotlib.figure import Figure

    row = int(np.argmin(samples["redshift"].values))
    sides = {"surrogate": samples} if truth is None else {"surrogate": samples, "reference": truth}
    drawn = Figure(figsize=(13.5, 8.2), layout="constrained")
    grid = drawn.subplots(2, 3)
    extent = samples.sizes["x"] * spacing
    images = {name: _projected(side["displacement"].values[row], spacing) for name, side in sides.items()}
    low, high = np.percentile(next(iter(images.values())), (1, 99.8))
    for axes, (name, image) in zip(grid[0], images.items(), strict=False):
        shown = axes.imshow(image.T, origin="lower", extent=(0, extent, 0, extent), cmap="inferno", vmin=low, vmax=high)
        axes.set(title=f"{name}, z = {float(samples['redshift'][row]):.2f}", xlabel="x [Mpc/h]", ylabel="y [Mpc/h]")
    drawn.colorbar(shown, ax=grid[0][: len(images)], label="log10 of projected density over the mean", shrink=0.8)
    if truth is None:
        for axes in (grid[0][1], grid[0][2]):
            axes.axis("off")
    else:
        residual = images["surrogate"] - images["reference"]
        shown = grid[0][2].imshow(
            residual.T, origin="lower", extent=(0, extent, 0, extent), cmap="RdBu_r", vmin=-0.5, vmax=0.5
        )
        grid[0][2].set(title="surrogate - reference", xlabel="x [Mpc/h]", ylabel="y [Mpc/h]")
        drawn.colorbar(shown, ax=grid[0][2], label="dex", shrink=0.8)
    image = images["surrogate"]
    side = len(image)
    peak = np.unravel_index(int(np.argmax(image)), image.shape)
    quarter = side // 6
    zoom = np.roll(image, (side // 2 - peak[0], side // 2 - peak[1]), axis=(0, 1))
    zoom = zoom[side // 2 - quarter : side // 2 + quarter, side // 2 - quarter : side // 2 + quarter]
    width = len(zoom) * extent / side
    grid[1][0].imshow(zoom.T, origin="lower", extent=(0, width, 0, width), cmap="inferno", vmin=low, vmax=high)
    grid[1][0].set(title="surrogate, around its highest peak", xlabel="Mpc/h", ylabel="Mpc/h")
    _spectra(grid[1][1], grid[1][2], samples, truth, spacing)
    return drawn


def _projected(displacement: np.ndarray, spacing: float) -> np.ndarray:
    """log10 of the mean density of a slab, on a mesh of half the particles' spacing."""
    from ...physics.cosmology.density_statistics import smoothed
    from ...physics.cosmology.particle_mesh import density_contrast

    side = displacement.shape[0]
    box_size = side * spacing
    density = 1 + smoothed(density_contrast(displacement, 2 * side, box_size), box_size, spacing / 2)
    return np.log10(np.maximum(density[:, :, : round(2 * SLAB * SPACING / spacing)].mean(axis=2), 1e-2))


def _spectra(powers, phases, samples: xr.Dataset, truth: xr.Dataset | None, spacing: float) -> None:
    from ...physics.cosmology.particle_mesh import density_contrast
    from ...physics.cosmology.spectra import correlation, power, shells

    side = samples.sizes["x"]
    box_size = side * spacing
    _, k = shells(2 * side, box_size)
    shown = k < 3.0 / spacing
    own, ratios, coefficients = [], [], []
    for row in range(min(4, samples.sizes["sample"])):
        field = density_contrast(samples["displacement"].values[row], 2 * side, box_size)
        own.append(power(field, box_size))
        if truth is not None:
            other = density_contrast(truth["displacement"].values[row], 2 * side, box_size)
            ratios.append(own[-1] / power(other, box_size))
            coefficients.append(correlation(field, other, box_size))
    for row, values in enumerate(own if truth is None else ratios):
        powers.plot(k[shown], values[shown], label=f"z = {float(samples['redshift'][row]):.2f}")
    powers.set(xscale="log", xlabel="k [h/Mpc]")
    powers.legend(frameon=False)
    if truth is None:
        powers.set(yscale="log", ylabel="P(k) [(Mpc/h)^3]", title="power")
        phases.axis("off")
        return
    powers.axhspan(0.95, 1.05, color="0.9", zorder=0)
    powers.set(ylabel="P(k) over the reference's", title="power", ylim=(0.8, 1.2))
    for values in coefficients:
        phases.plot(k[shown], values[shown])
    phases.axhline(0.97, color="0.7", linewidth=0.8)
    phases.set(xscale="log", xlabel="k [h/Mpc]", ylabel="r(k) with the reference", title="phases", ylim=(0.85, 1.005))
