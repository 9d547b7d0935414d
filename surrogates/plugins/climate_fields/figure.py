"""One figure of a climate: days of rain beside the reference's, averages, spectra, rain's distribution, El Nino."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.climate.enso import nino34
from ...physics.climate.gaussian_grid import T31
from .measure import ENSO, LARGEST_DEGREE, seasonal_mean
from .ocean import ocean

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

OURS, THEIRS = "#D55E00", "#222222"
MM = 86_400.0
DAYS = 3
"""Days of rain shown on each side."""


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Surrogate in orange, reference in black; maps with the model's own coasts."""
    from matplotlib.figure import Figure

    sides = [("surrogate", samples)] if truth is None else [("surrogate", samples), ("reference", truth)]
    drawn = Figure(figsize=(14, 13), layout="constrained")
    pages = drawn.subfigures(4, 1, height_ratios=(2.0, 1.0, 1.3, 1.0))
    _days(pages[0], pages[0].subplots(2, 3), sides)  # type: ignore[index]
    _averages(pages[1], pages[1].subplots(1, 3), sides)  # type: ignore[index]
    zonal, spectrum, histogram = pages[2].subplots(1, 3)  # type: ignore[index]
    _zonal(zonal, sides)
    _spectrum(spectrum, sides)
    _histogram(histogram, sides)
    _composites(pages[3], pages[3].subplots(1, 3), sides)  # type: ignore[index]
    return drawn


def coasts(axes: Axes) -> None:
    """Outline the land of the model on axes of longitude and latitude."""
    axes.contour(T31.longitudes, T31.latitudes, ocean().land, levels=[0.5], colors="0.25", linewidths=0.5)
    axes.set(xticks=[0, 90, 180, 270], yticks=[-60, 0, 60], xlim=(0, 356), ylim=(-87, 87))
    axes.tick_params(labelsize=7)


def _map(axes: Axes, field: np.ndarray, title: str, **options: Any) -> Any:
    image = axes.pcolormesh(T31.longitudes, T31.latitudes, field, shading="nearest", rasterized=True, **options)
    coasts(axes)
    axes.set_title(title, fontsize=9)
    return image


def _days(drawn: Figure | SubFigure, rows: np.ndarray, sides: list[tuple[str, xr.Dataset]]) -> None:
    from matplotlib.colors import PowerNorm

    norm = PowerNorm(0.5, 0.0, 40.0)
    image = None
    for row in range(2):
        for column in range(DAYS):
            axes = rows[row, column]
            if row >= len(sides) or column >= sides[row][1].sizes["sample"]:
                axes.axis("off")
                continue
            name, side = sides[row]
            place = column * (side.sizes["sample"] // DAYS)
            day = side["day_of_year"].values[place]
            field = side["pr"].values[place, 0] * MM
            image = _map(axes, field, f"{name}: rain on day {day:.0f} of the year", cmap="YlGnBu", norm=norm)
    if image is not None:
        drawn.colorbar(image, ax=rows, label="mm a day", shrink=0.7)


def _averages(drawn: Figure | SubFigure, row: np.ndarray, sides: list[tuple[str, xr.Dataset]]) -> None:
    means = [side["pr"].values.mean((0, 1)) * MM for _, side in sides]
    for axes, (name, _), mean in zip(row, sides, means, strict=False):
        image = _map(axes, mean, f"{name}: mean rain", cmap="YlGnBu", vmin=0.0, vmax=12.0)
        drawn.colorbar(image, ax=axes, label="mm a day", shrink=0.8)
    if len(means) == 2:
        image = _map(row[2], means[0] - means[1], "difference", cmap="RdBu", vmin=-3.0, vmax=3.0)
        drawn.colorbar(image, ax=row[2], label="mm a day", shrink=0.8)
    for axes in row[len(sides) + (len(means) == 2) :]:
        axes.axis("off")


def _lines(sides: list[tuple[str, xr.Dataset]]) -> list[tuple[str, xr.Dataset, dict[str, Any]]]:
    styles = {"surrogate": {"color": OURS}, "reference": {"color": THEIRS, "linestyle": "--"}}
    return [(name, side, styles[name]) for name, side in sides]


def _zonal(axes: Axes, sides: list[tuple[str, xr.Dataset]]) -> None:
    other = axes.twinx()
    for name, side, style in _lines(sides):
        axes.plot(T31.latitudes, side["pr"].values.mean((0, 1, 3)) * MM, label=name, **style)
        other.plot(T31.latitudes, side["tas"].values.mean((0, 1, 3)), alpha=0.5, linewidth=0.9, **style)
    axes.set(xlabel="latitude", ylabel="mean rain [mm a day]", title="zonal means")
    other.set_ylabel("temperature [K] (thin)")
    axes.legend(fontsize=8)


def _spectrum(axes: Axes, sides: list[tuple[str, xr.Dataset]]) -> None:
    import torch

    from ...physics.climate.harmonics import power

    labels = {"tas": ("temperature [K²]", 1.0), "ps": ("pressure [hPa²]", 0.01), "pr": ("rain [mm²/d²]", MM)}
    for k, (variable, (label, scale)) in enumerate(labels.items()):
        mean = sides[-1][1][variable].values.mean((0, 1), dtype="float64")
        for _, side, style in _lines(sides):
            maps = (side[variable].values[:, 0] - mean) * scale
            found = power(torch.as_tensor(maps).float()).numpy().mean(0)
            axes.loglog(np.arange(1, 32), found[1:32] * 100.0**-k, **style)
        axes.annotate(label, (1.1, found[1] * 100.0**-k * 0.3), fontsize=7)
    axes.axvline(LARGEST_DEGREE, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlabel="degree", ylabel="variance of anomalies (offset by 100)", title="spherical-harmonic spectra")


def _histogram(axes: Axes, sides: list[tuple[str, xr.Dataset]]) -> None:
    bins = np.concatenate([[0.0], np.geomspace(0.05, 80.0, 45)])
    for name, side, style in _lines(sides):
        rain = side["pr"].values[:, 0] * MM
        weights = np.broadcast_to(T31.cell_weights(), rain.shape) / len(rain)
        share = np.histogram(rain, bins, weights=weights)[0] / np.diff(bins)
        axes.stairs(share, bins, label=f"{name}: {(weights * (rain == 0)).sum():.0%} dry", **style)
    axes.set(xscale="log", yscale="log", xlim=(0.05, 80.0), xlabel="rain [mm a day]", ylabel="share of area a mm/d")
    axes.set_title("daily rain")
    axes.legend(fontsize=8)


def _composites(drawn: Figure | SubFigure, row: np.ndarray, sides: list[tuple[str, xr.Dataset]]) -> None:
    maps = []
    for name, side in sides:
        index = nino34(np.nan_to_num(side["sst_anomaly"].values))
        warm, cold = index > ENSO, index < -ENSO
        if min(warm.sum(), cold.sum()) < 5:
            continue
        anomaly = side["pr"].values[:, :2].mean(1, dtype="float64") - seasonal_mean(side, "pr")
        maps.append((name, (anomaly[warm].mean(0) - anomaly[cold].mean(0)) * MM))
    if len(maps) == 2:
        maps.append(("difference", maps[0][1] - maps[1][1]))
    for axes, (name, field) in zip(row, maps, strict=False):
        image = _map(axes, field, f"{name}: El Nino less La Nina, rain", cmap="BrBG", vmin=-6.0, vmax=6.0)
        drawn.colorbar(image, ax=axes, label="mm a day", shrink=0.8)
    for axes in row[len(maps) :]:
        axes.axis("off")
