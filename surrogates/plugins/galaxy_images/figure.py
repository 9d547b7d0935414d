"""One figure of galaxy images: colour pictures of each class beside the reference's, and measured attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .measure import QUANTITIES, reduce
from .photometry import asked, asked_flux, observed_radius
from .variables import MORPHOLOGIES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLOURS = {"spiral": "#0072B2", "elliptical": "#D55E00", "merger": "#CC79A7", "edge_on": "#009E73"}
"""Colour-blind-safe colours of the classes (Okabe & Ito)."""

PICTURES = 5
"""Galaxies shown of each class on each side."""

MEASURED = 150
"""Galaxies of each class that are measured for the histograms, at most."""

PANELS: tuple[tuple[str, str, tuple[float, float]], ...] = (
    ("flux", "Kron flux / asked, ln", (-0.35, 0.1)),
    ("radius", "half-flux radius / asked, ln", (-0.6, 0.6)),
    ("ellipticity", "|e| (hsm)", (0.0, 0.9)),
    ("concentration", "concentration", (2.0, 5.0)),
    ("asymmetry", "asymmetry", (0.0, 0.6)),
    ("gini", "Gini", (0.35, 0.75)),
    ("m20", r"$M_{20}$", (-2.5, -0.5)),
    ("colour_gradient", "g - i, core minus all [mag]", (-0.2, 0.5)),
)
"""Quantity, axis label and range."""

_SOFTENING, _STRETCH = 6.0, 0.8  # Q and stretch of Lupton et al. 2004, in units of the mean surface brightness


def colour_image(images: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Colour pictures (Lupton et al. 2004, PASP 116, 133): i, r, g as red, green, blue.

    Parameters
    ----------
    images : ndarray
        (n, band, y, x).
    brightness : ndarray
        (n, band) nJy a pixel that a picture shows at middle brightness.

    Returns
    -------
    ndarray
        (n, y, x, 3) uint8.
    """
    from astropy.visualization import make_lupton_rgb

    options: Any = {"minimum": 0.0, "stretch": _STRETCH, "Q": _SOFTENING}
    pictures = []
    for bands, level in zip(images, brightness, strict=True):
        g, r, i = np.asarray(bands, dtype=np.float64) / level[:, None, None]
        pictures.append(make_lupton_rgb(i, r, g, **options))
    return np.stack(pictures)


def middle_brightness(dataset: xr.Dataset) -> np.ndarray:
    """Asked mean surface brightness in r within the half-light radius, tinted: g - i = 0.8 is white; (n, band)."""
    area = 2 * np.pi * observed_radius(dataset) ** 2 / asked(dataset, "pixel_scale") ** 2
    level = asked_flux(dataset, "r") / area
    return np.stack([level * factor for factor in (0.6, 1.0, 1.3)], axis=-1)


def picture_grid(samples: xr.Dataset, truth: xr.Dataset | None = None, count: int = PICTURES) -> np.ndarray:
    """Colour pictures as one array: a row for each class, the truth's left and the samples' right.

    Returns
    -------
    ndarray
        (classes * size, columns * size, 3) uint8, row 0 at the top; white where a class has too few galaxies.
    """
    sides = [samples] if truth is None else [truth, samples]
    size = samples.sizes["y"]
    gap = np.full((len(MORPHOLOGIES) * size, size // 8, 3), 255, dtype=np.uint8)
    blocks = []
    for side in sides:
        block = np.full((len(MORPHOLOGIES) * size, count * size, 3), 255, dtype=np.uint8)
        for code in range(len(MORPHOLOGIES)):
            rows = _shown(side, code, count)
            if not len(rows):
                continue
            shown = side.isel(sample=rows)
            for column, picture in enumerate(colour_image(shown["image"].values, middle_brightness(shown))):
                place = slice(code * size, (code + 1) * size), slice(column * size, (column + 1) * size)
                block[place] = picture[::-1]
        blocks += [block, gap]
    return np.concatenate(blocks[:-1], axis=1)


def _shown(dataset: xr.Dataset, code: int, count: int) -> np.ndarray:
    """Galaxies of a class, first those no smaller than its median, whose structure shows."""
    rows = np.flatnonzero(dataset["morphology"].values == code)
    radius = dataset["half_light_radius"].values[rows]
    large = radius >= np.median(radius) if len(rows) else radius > 0
    return np.concatenate([rows[large], rows[~large]])[:count]


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Colour pictures of each class, and histograms of what photutils, hsm and the structure statistics measure.

    Parameters
    ----------
    samples : Dataset
        Galaxies to show: right pictures, lines.
    truth : Dataset, optional
        Galaxies to compare with: left pictures, filled histograms.

    Returns
    -------
    Figure
        A matplotlib figure, 13 inches wide; the caller saves it.
    """
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(13, 9.6 if truth is not None else 11.5), layout="constrained")
    rooms: Any = canvas.subfigures(2, 1, height_ratios=(1.15, 1.0))
    _draw_pictures(rooms[0].subplots(), samples, truth)
    _draw_histograms(rooms[1], samples, truth)
    return canvas


def _draw_pictures(axes: Any, samples: xr.Dataset, truth: xr.Dataset | None) -> None:
    grid, size = picture_grid(samples, truth), samples.sizes["y"]
    axes.imshow(grid, interpolation="nearest")
    axes.set_yticks(
        [(code + 0.5) * size for code in range(len(MORPHOLOGIES))],
        [name.replace("_", " ") for name in MORPHOLOGIES],
    )
    width = PICTURES * size
    if truth is None:
        axes.set_xticks([width / 2], ["samples"])
    else:
        axes.set_xticks([width / 2, width * 1.5 + size // 8], ["reference", "surrogate"])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_histograms(room: Any, samples: xr.Dataset, truth: xr.Dataset | None) -> None:
    sides = [reduce(_some(side)) for side in ([samples] if truth is None else [samples, truth])]
    axes = room.subplots(2, len(PANELS) // 2)
    for panel, (name, label, limits) in zip(axes.ravel(), PANELS, strict=True):
        edges = np.linspace(*limits, 26)
        for code, kind in enumerate(MORPHOLOGIES):
            for place, side in enumerate(sides):
                values = side["measured"].values[side["morphology"].values == code, QUANTITIES.index(name)]
                values = np.clip(values[np.isfinite(values)], *limits)
                if not len(values):
                    continue
                density = np.histogram(values, edges)[0] / (len(values) * np.diff(edges))
                if place:
                    panel.stairs(density, edges, fill=True, color=COLOURS[kind], alpha=0.22, linewidth=0)
                else:
                    panel.stairs(density, edges, color=COLOURS[kind], linewidth=1.4, label=kind.replace("_", " "))
        panel.set_xlim(*limits)
        panel.set_ylim(bottom=0.0)
        panel.set_yticks([])
        panel.locator_params(axis="x", nbins=4)
        panel.set_xlabel(label, fontsize="small")
        panel.tick_params(labelsize="small")
    title = None if truth is None else "line: surrogate, filled: reference"
    axes[0, 0].legend(frameon=False, fontsize="x-small", title=title, title_fontsize="x-small")


def _some(dataset: xr.Dataset) -> xr.Dataset:
    codes = dataset["morphology"].values
    chosen = [np.flatnonzero(codes == code)[:MEASURED] for code in range(len(MORPHOLOGIES))]
    return dataset.isel(sample=np.sort(np.concatenate(chosen)))
