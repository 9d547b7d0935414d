"""Panels of what lies on a grid: pictures, maps with one scale for both sides, slabs and sections of volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .palette import AMOUNT, DENSITY, SIGNED
from .panels import empty, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def image_grid(
    axes: Axes, sides: Mapping[str, Sequence[np.ndarray]], names: Sequence[str], *, columns: int, blank: float = 1.0
) -> None:
    """Pictures: a row for each name, a block of `columns` for each side.

    Parameters
    ----------
    sides : mapping
        Title of a side -> for each name its pictures, (n, y, x) or (n, y, x, 3), row 0 at the top; fewer than
        `columns` leave blanks.
    names : sequence of str
        Of the rows.
    blank : float
        What a blank holds: 1 is white where pictures lie in [0, 1], 255 where they are bytes.
    """
    first = next(picture for rows in sides.values() for picture in rows if len(picture))[0]
    height, width = first.shape[:2]
    gap = max(width // 8, 1)
    page = np.full((len(names) * height, len(sides) * (columns * width + gap) - gap, *first.shape[2:]), blank)
    for block, rows in enumerate(sides.values()):
        left = block * (columns * width + gap)
        for row, pictures in enumerate(rows):
            for column, picture in enumerate(pictures[:columns]):
                place = slice(row * height, (row + 1) * height)
                page[place, left + column * width : left + (column + 1) * width] = picture
    axes.imshow(page.astype(first.dtype), interpolation="nearest", cmap="gray")
    middle = [block * (columns * width + gap) + columns * width / 2 for block in range(len(sides))]
    axes.set_xticks(middle, list(sides))
    axes.set_yticks([(row + 0.5) * height for row in range(len(names))], [name.replace("_", " ") for name in names])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


PICTURES, CATEGORIES = 8, 16
"""Of each category, and categories, in `class_figure`."""


def picture_rows(
    rows: Mapping[str, Any], *, headings: Sequence[str] = (), side: float = 1.6, upright: bool = True
) -> Figure:
    """One picture a panel: a row for each title, a column for each sample.

    Parameters
    ----------
    rows : mapping
        Title -> pictures (y, x, 1) or (y, x, 3) in [0, 1], as many in each row; none draw an empty panel a row.
    headings : sequence of str
        Above the columns.
    side : float
        Of a panel, inches.
    upright : bool
        Whether row 0 of a picture is at its top.
    """
    from matplotlib.figure import Figure

    columns = max((len(pictures) for pictures in rows.values()), default=0)
    height, width = next((pictures[0].shape[:2] for pictures in rows.values() if len(pictures)), (1, 1))
    size = (side * max(columns, 1), (height / width + 0.1) * side * len(rows))
    canvas = Figure(figsize=size, layout="constrained")
    axes = canvas.subplots(len(rows), max(columns, 1), squeeze=False)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[])
    for line, (title, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(title)
        for panel, picture in zip(line, pictures, strict=False):
            shown = np.clip(picture[..., 0] if picture.shape[-1] < 3 else picture, 0.0, 1.0)
            origin = "upper" if upright else "lower"
            panel.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest", origin=origin)
    for panel, heading in zip(axes[0], headings, strict=False):
        panel.set_title(heading, fontsize=7)
    return canvas


def pictures(values: np.ndarray, bounds: tuple[float, float] | None = None) -> list[np.ndarray]:
    """Fields as pictures (y, x, 1), or (y, x, 3) where a last axis holds three colours, from 0 to 1 on one scale.

    Parameters
    ----------
    values : ndarray
        (n, …, y, x) or (n, y, x, 3); the mean over axes before rows and columns is shown.
    bounds : pair of float, optional
        Of the quantity. Bounds of 0 and 1 are the scale; other bounded fields have one from their 1 % to their 99 %
        quantile, unbounded ones the same of their inverse hyperbolic sine in units of half their standard deviation.
    """
    coloured = values.ndim == 4 and values.shape[-1] == 3
    shown = values if coloured else values.reshape(len(values), -1, *values.shape[-2:]).mean(axis=1)[..., None]
    if bounds == (0.0, 1.0):
        return list(shown)
    if bounds is None:
        spread = 0.5 * float(np.nanstd(shown))
        shown = np.arcsinh((shown - np.nanmedian(shown)) / (spread or 1.0))
    low, high = np.nanquantile(shown, (0.01, 0.99) if bounds is not None else (0.01, 0.999))
    return list((shown - low) / ((high - low) or 1.0))


@styled
def class_figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Any:
    """Eight images of each category, beside as many of the truth where that has the same categories.

    Parameters
    ----------
    samples, truth : Dataset
        `image` (sample, y, x) or (sample, y, x, 3) in [0, 1], and `category`, whose labels stand in `flag_meanings`.
    """
    from matplotlib.figure import Figure

    names = str(samples["category"].attrs.get("flag_meanings", "")).split()
    names = (names or [str(code) for code in range(int(samples["category"].max(initial=0)) + 1)])[:CATEGORIES]
    sides = {"surrogate": samples}
    if truth is not None and truth["image"].shape[1:] == samples["image"].shape[1:]:
        if truth["category"].attrs.get("flag_meanings") == samples["category"].attrs.get("flag_meanings"):
            sides["held out"] = truth
    drawn = Figure(figsize=(5 * len(sides) + 1, 0.65 * len(names) + 0.5), layout="constrained")
    if samples.sizes["sample"]:
        rows = {title: [_of(side, code) for code in range(len(names))] for title, side in sides.items()}
        image_grid(drawn.subplots(), rows, names, columns=PICTURES)
    return drawn


def _of(side: xr.Dataset, code: int) -> np.ndarray:
    return side["image"].values[side["category"].values == code][:PICTURES]


def field(
    axes: Axes,
    values: np.ndarray,
    title: str,
    *,
    x: np.ndarray | None = None,
    y: np.ndarray | None = None,
    extent: tuple[float, float, float, float] | None = None,
    **options: Any,
) -> Any:
    """A field (y, x), row 0 below; on the coordinates x and y where they are given.

    Returns
    -------
    ScalarMappable
        For a colour bar.
    """
    options.setdefault("cmap", AMOUNT)
    if x is not None and y is not None:
        image = axes.pcolormesh(x, y, values, shading="nearest", rasterized=True, **options)
    else:
        image = axes.imshow(values, origin="lower", extent=extent, interpolation="nearest", **options)
    axes.set_title(title)
    return image


def maps(
    room: Any,
    row: Sequence[Axes],
    sides: Mapping[str, np.ndarray],
    label: str,
    *,
    difference: bool = True,
    quantiles: tuple[float, float] = (0.01, 0.99),
    spread: float | None = None,
    decorate: Any = None,
    **options: Any,
) -> None:
    """Fields of both sides on one colour scale, and the first less the second on a symmetric one.

    Parameters
    ----------
    room : matplotlib Figure or SubFigure
        Of the axes, for colour bars.
    row : sequence of Axes
        One for each side, and one more for the difference; what is left over stays empty.
    sides : mapping
        Title -> (y, x).
    label : str
        The quantity and its units.
    difference : bool
    quantiles : tuple of float
        Of the sides' values that the scale spans, where `vmin` and `vmax` (or a `norm`) are not among the options.
    spread : float, optional
        Largest difference of the scale; its 99 % quantile by default.
    decorate : callable, optional
        Called with the axes of each map, to draw coasts and the like.
    **options
        Of `field`.
    """
    known = np.concatenate([np.ravel(side)[np.isfinite(np.ravel(side))] for side in sides.values()])
    if "norm" not in options and len(known):
        low, high = np.quantile(known, quantiles)
        options = {"vmin": float(low), "vmax": float(high), **options}
    drawn: list[Any] = []
    for axes, (title, values) in zip(row, sides.items(), strict=False):
        drawn.append(field(axes, values, title, **options))
    room.colorbar(drawn[0], ax=list(row[: len(drawn)]), label=label, shrink=0.8)
    used = len(drawn)
    if difference and len(sides) == 2:
        first, second = sides.values()
        apart = np.asarray(first, dtype=np.float64) - second
        finite = np.abs(apart[np.isfinite(apart)])
        limit = spread or (float(np.quantile(finite, 0.99)) if len(finite) else 1.0) or 1.0
        kept = {name: value for name, value in options.items() if name not in ("cmap", "vmin", "vmax", "norm")}
        image = field(row[used], apart, "difference", cmap=SIGNED, vmin=-limit, vmax=limit, **kept)
        room.colorbar(image, ax=row[used], label=label, shrink=0.8)
        used += 1
    for axes in row[:used]:
        if decorate is not None:
            decorate(axes)
    for axes in row[used:]:
        axes.axis("off")


def projection(volume: np.ndarray, *, axis: int = 2, slab: slice = slice(None)) -> np.ndarray:
    """Mean of a volume (x, y, z) along an axis, of a slab of it; as a field with its first remaining axis along x."""
    cut = [slice(None)] * volume.ndim
    cut[axis] = slab
    return np.asarray(volume[tuple(cut)].mean(axis=axis)).T


def sections(row: Sequence[Axes], volume: np.ndarray, title: str, **options: Any) -> Any:
    """The three middle sections of a volume (x, y, z) on one colour scale; returns the last for a colour bar."""
    finite = volume[np.isfinite(volume)]
    if not len(finite):
        for axes in row:
            empty(axes, "no finite values")
        return None
    options = {"vmin": float(finite.min()), "vmax": float(finite.max()), "cmap": DENSITY, **options}
    image = None
    for axis, (axes, name) in enumerate(zip(row, ("y, z", "x, z", "x, y"), strict=True)):
        middle = volume.shape[axis] // 2
        image = field(axes, np.take(volume, middle, axis=axis).T, f"{title}: {name}", **options)
    return image
