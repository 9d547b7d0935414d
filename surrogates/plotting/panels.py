"""The panels that figures are made of: samples beside the truth, with the statistical errors of both.

Every panel draws on axes that it is given; a pair of sides is (samples, truth), truth None where there is none.
Figures are made in `paper` style, without pyplot, so that nothing of a user's session changes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from .palette import CLASSES, FAINT, HIGHLIGHT, SAMPLES, TRUTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Sides = tuple[np.ndarray, np.ndarray | None]
P = ParamSpec("P")
T = TypeVar("T")

STYLE: Mapping[str, Any] = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.0,
    "errorbar.capsize": 0.0,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}
"""Sizes that stay legible at the width of a page; text stays text in vector files."""


@contextmanager
def paper() -> Iterator[None]:
    """Draw in `STYLE` within the block, and leave a session's own style as it was."""
    import matplotlib

    style: Any = dict(STYLE)
    with matplotlib.rc_context(style):
        yield


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that makes a figure, so that it draws in `paper` style."""

    @functools.wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> T:
        with paper():
            return draw(*arguments, **options)

    return drawn


class Density(NamedTuple):
    """A histogram normalised to all finite values, with the standard errors of its bins."""

    edges: np.ndarray
    value: np.ndarray
    error: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """Centres of the bins."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])


def density(values: np.ndarray, edges: np.ndarray, weights: np.ndarray | None = None, *, ends: bool = False) -> Density:
    """Counts in bins over the number of finite values and the bins' widths.

    Parameters
    ----------
    values, weights : ndarray
        Any shape, the same; the error of a weighted bin is the root of its sum of squared weights.
    edges : ndarray
    ends : bool
        Whether the outermost bins also hold what lies beyond them.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    known = np.isfinite(flat)
    flat = flat[known]
    own = np.ones(len(flat)) if weights is None else np.asarray(weights, dtype=np.float64).ravel()[known]
    flat = np.clip(flat, edges[0], edges[-1]) if ends else flat
    total = own.sum() if len(own) else 1.0
    scale = (total if total > 0 else 1.0) * np.diff(edges)
    counts, _ = np.histogram(flat, edges, weights=own)
    squares, _ = np.histogram(flat, edges, weights=own**2)
    return Density(np.asarray(edges, dtype=np.float64), counts / scale, np.sqrt(squares) / scale)


def histogram(
    axes: Axes, sides: tuple[Density, Density | None], *, colour: str = SAMPLES, label: str = "", points: bool = True
) -> None:
    """Samples as a line on the truth, which is points with errors, or filled where classes share the axes.

    Parameters
    ----------
    sides : pair of Density
    colour : str
        Of the samples, and of a filled truth.
    label : str
        Of the samples.
    points : bool
        Whether the truth is points; else it is filled.
    """
    samples, truth = sides
    if truth is not None and points:
        axes.errorbar(truth.middle, truth.value, truth.error, fmt="o", ms=2.2, lw=0.8, color=TRUTH, label="truth")
    elif truth is not None:
        axes.stairs(truth.value, truth.edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    axes.stairs(samples.value, samples.edges, color=colour, linewidth=1.4, label=label or None)
    axes.set_xlim(samples.edges[0], samples.edges[-1])


def ratio(
    axes: Axes, sides: tuple[Density, Density], *, colour: str = SAMPLES, limits: tuple[float, float] = (0.5, 1.5)
) -> None:
    """Samples over truth with the samples' error; the band is the truth's own."""
    samples, truth = sides
    good = (truth.value > 0) & (samples.value > 0)
    safe = np.where(good, truth.value, 1.0)
    band = np.where(truth.value > 0, truth.error / np.where(truth.value > 0, truth.value, 1.0), 0.0)
    axes.fill_between(samples.middle, 1 - band, 1 + band, step="mid", color=colour, alpha=0.15, linewidth=0)
    middle = samples.middle[good]
    axes.errorbar(
        middle, (samples.value / safe)[good], (samples.error / safe)[good], fmt="o", ms=2.2, lw=0.8, color=colour
    )
    axes.axhline(1.0, color=TRUTH, linewidth=0.6, linestyle=":")
    axes.set_ylim(*limits)
    axes.set_xlim(samples.edges[0], samples.edges[-1])


def ratio_axes(room: Any, rows: int, columns: int, *, ratios: bool = True) -> list[tuple[Axes, Axes | None]]:
    """Axes for `rows` x `columns` histograms with a flat ratio panel below each, row by row.

    Parameters
    ----------
    room : matplotlib Figure or SubFigure
    ratios : bool
        Without them the second of each pair is None.
    """
    pairs = []
    grid = room.add_gridspec(rows, columns)
    for place in range(rows * columns):
        cell = grid[place // columns, place % columns]
        if not ratios:
            pairs.append((room.add_subplot(cell), None))
            continue
        split = cell.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.04)
        upper = room.add_subplot(split[0])
        lower = room.add_subplot(split[1], sharex=upper)
        upper.tick_params(labelbottom=False)
        pairs.append((upper, lower))
    return pairs


def ratio_histogram(
    pair: tuple[Axes, Axes | None],
    values: Sides | Sequence[Sides],
    edges: np.ndarray,
    label: str,
    *,
    names: Sequence[str] = (),
    logarithmic: bool = False,
    ends: bool = False,
    weights: Sides | Sequence[Sides] | None = None,
    limits: tuple[float, float] = (0.5, 1.5),
) -> None:
    """One quantity of samples and truth, their ratio below; one pair of sides, or one for each class.

    Parameters
    ----------
    pair : tuple of Axes
        Of `ratio_axes`.
    values : pair of ndarray, or a sequence of pairs
        Any shape; what is not finite is left out.
    edges : ndarray
    label : str
        The quantity and its units.
    names : sequence of str
        Of the classes.
    logarithmic, ends : bool
        Scale of the densities; whether the outermost bins hold what lies beyond.
    weights : as `values`, optional
    limits : tuple of float
        Of the ratio.
    """
    single = isinstance(values, tuple) and len(values) == 2 and not isinstance(values[0], tuple)
    groups: Sequence[Any] = [values] if single else values
    weighted: Sequence[Any] = [(None, None)] * len(groups) if weights is None else [weights] if single else weights
    upper, lower = pair
    for number, ((ours, theirs), (own, other)) in enumerate(zip(groups, weighted, strict=True)):
        colour = SAMPLES if single else CLASSES[number % len(CLASSES)]
        samples = density(ours, edges, own, ends=ends)
        truth = None if theirs is None else density(theirs, edges, other, ends=ends)
        name = names[number] if number < len(names) else ("samples" if single else "")
        histogram(upper, (samples, truth), colour=colour, label=name, points=single)
        if truth is not None and lower is not None:
            ratio(lower, (samples, truth), colour=colour, limits=limits)
    upper.set_yscale("log" if logarithmic else "linear")
    upper.set_ylim(bottom=None if logarithmic else 0.0)
    (upper if lower is None else lower).set_xlabel(label)


def profile(axes: Axes, x: Sides, y: Sides, edges: np.ndarray, *, least: int = 10, label: str = "") -> None:
    """Mean of y in bins of x with its standard error, samples as squares and the truth as circles."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    for across, values, colour, mark, side in zip(x, y, (SAMPLES, TRUTH), "so", ("samples", "truth"), strict=True):
        if across is None or values is None:
            continue
        known = np.isfinite(across) & np.isfinite(values) & (across >= edges[0]) & (across <= edges[-1])
        place = np.clip(np.digitize(across[known], edges) - 1, 0, len(middle) - 1)
        count = np.bincount(place, minlength=len(middle))
        divisor = np.maximum(count, 1)
        mean = np.bincount(place, values[known], minlength=len(middle)) / divisor
        spread = np.bincount(place, (values[known] - mean[place]) ** 2, minlength=len(middle)) / divisor
        kept = count >= least
        error = np.sqrt(spread / divisor)
        axes.errorbar(middle[kept], mean[kept], error[kept], fmt=mark, ms=3.5, lw=1, color=colour, label=label or side)
    axes.set_xlim(edges[0], edges[-1])


def lines(
    pair: tuple[Axes, Axes | None],
    x: np.ndarray,
    sides: Sides,
    *,
    label: str = "",
    colour: str = SAMPLES,
    band: float | None = None,
    limits: tuple[float, float] = (0.5, 1.5),
) -> None:
    """A spectrum or another curve of samples and truth (dashed), and their ratio below.

    Parameters
    ----------
    pair : tuple of Axes
        Above and below; the lower one may be None.
    x : ndarray
    sides : pair of ndarray
        (k,) values at x; or (n, k), whose mean is drawn with the band of its standard error.
    band : float, optional
        Ratio's departure from 1 that is shaded, such as the limit of a figure.
    """
    upper, lower = pair
    means = []
    for values, own, style in zip(sides, (colour, TRUTH), ("-", "--"), strict=True):
        if values is None:
            continue
        table = np.atleast_2d(np.asarray(values, dtype=np.float64))
        mean = table.mean(axis=0)
        means.append(mean)
        upper.plot(x, mean, color=own, linestyle=style, label=(label or "samples") if style == "-" else "truth")
        if len(table) > 1:
            error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
            upper.fill_between(x, mean - error, mean + error, color=own, alpha=0.2, linewidth=0)
    if lower is not None and len(means) == 2:
        known = means[1] != 0
        lower.plot(x[known], means[0][known] / means[1][known], color=colour)
        lower.axhline(1.0, color=TRUTH, linewidth=0.6, linestyle=":")
        if band is not None:
            lower.axhspan(1 - band, 1 + band, color=FAINT, alpha=0.2, linewidth=0)
        lower.set_ylim(*limits)


def parity(
    axes: Axes,
    found: np.ndarray,
    true: np.ndarray,
    *,
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    shown: int = 150,
    units: str = "",
    what: str = "intervals",
) -> None:
    """Found against true values as a density on one square scale, the mean error, and intervals of some of them.

    Parameters
    ----------
    found, true : ndarray
        (n,); rows that are not finite on both sides are left out.
    ends : pair of ndarray, optional
        Lower and upper ends of intervals around `found`.
    shown : int
        Intervals drawn.
    """
    known = np.flatnonzero(np.isfinite(found) & np.isfinite(true))
    if not len(known):
        empty(axes, "nothing to compare")
        return
    across, up = true[known], found[known]
    together = np.concatenate([across, up])
    low, high = float(together.min()), float(together.max())
    if high > low:
        axes.hexbin(across, up, gridsize=45, bins="log", cmap="Blues", mincnt=1, extent=(low, high, low, high))
    axes.plot([low, high], [low, high], color=FAINT, linewidth=0.8)
    axes.set_title(f"mean error {np.abs(across - up).mean():.3g} {units}".strip())
    if ends is not None:
        rows = known[:shown]
        bars = np.stack((found[rows] - ends[0][rows], ends[1][rows] - found[rows]))
        options: Any = {"fmt": ".", "ms": 2, "lw": 0.5, "color": HIGHLIGHT, "label": what}
        axes.errorbar(true[rows], found[rows], yerr=np.maximum(bars, 0.0), **options)
        axes.legend(loc="upper left")


def shares(axes: Axes, names: Sequence[str], sides: Sides, totals: tuple[int, int]) -> None:
    """Shares of classes, one under the other, with their binomial errors."""
    places = np.arange(len(names))
    for share, total, colour, mark, label in zip(
        sides, totals, (SAMPLES, TRUTH), "so", ("samples", "truth"), strict=True
    ):
        if share is not None:
            error = np.sqrt(share * (1 - share) / max(total, 1))
            axes.errorbar(share, places, xerr=error, fmt=mark, ms=3.5, lw=1, color=colour, label=label)
    axes.set_yticks(places, [name.replace("_", " ") for name in names])
    axes.invert_yaxis()


def empty(axes: Axes, text: str) -> None:
    """Say in place of a panel why there is none."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)
    axes.set(xticks=[], yticks=[])
