"""Figures declared once: what is compared, by which distance, at which n and with which limit; whole and in parts.

>>> FIGURES = Figures(
...     (
...         by(
...             classes("jet_type", ("gluon", "top")),
...             Figure("w1_mass", "jet_mass", wasserstein_distance, floors=2.0, text="jet mass", units="GeV"),
...             by(bins("jet_pt", (700, 1000, 1300), units="GeV"), Figure("w1_mass", "jet_mass", wasserstein_distance)),
...         ),
...     ),
...     n=50_000,
... )

is a plugin's `measure`, and ``FIGURES.targets`` its `targets`: ``gluon/w1_mass``, ``gluon/700-1000/w1_mass``, ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import PluginError, SchemaError
from ..contract.findings import Target
from .resampling import rows

if TYPE_CHECKING:
    import xarray as xr

WEIGHT = "weight"
"""Variable of a Dataset that holds one weight a sample."""


@dataclass(frozen=True)
class Figure:
    """A size of disagreement between samples and truth, 0 or its floor where they agree.

    Attributes
    ----------
    name : str
        Without the parts that it is taken in, which stand before it.
    quantity : str or callable, optional
        A variable, or (Dataset) -> what `distance` takes; of the reduced Dataset where the measure reduces.
    distance : callable, optional
        (samples' quantity, truth's quantity) -> float, or None where there is too little to say anything; with
        ``weights=(samples', truth's)`` where the Datasets have a variable `weight`. Both are None in `Together`.
    n : int, optional
        Samples on each side; that of `Figures` by default.
    floors, at_most, at_least : float, optional
        What it should reach, see `Target`.
    text : str
        What it is, in words.
    units : str
    """

    name: str
    quantity: str | Callable[[xr.Dataset], Any] | None = None
    distance: Callable[..., float | None] | None = None
    n: int | None = None
    floors: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    text: str = ""
    units: str = "1"

    def value(self, samples: xr.Dataset, truth: xr.Dataset) -> float | None:
        """The figure of two reduced Datasets."""
        if self.quantity is None or self.distance is None:
            raise PluginError(f"figure {self.name!r}: no quantity or no distance; give both, or declare it in Together")
        values = [_quantity(side, self.quantity) for side in (samples, truth)]
        if WEIGHT not in samples and WEIGHT not in truth:
            return self.distance(*values)
        if "weights" not in inspect.signature(self.distance).parameters:
            raise PluginError(
                f"figure {self.name!r}: samples have weights and its distance takes none; add weights=None"
            )
        weights = tuple(side[WEIGHT].values if WEIGHT in side else None for side in (samples, truth))
        return self.distance(*values, weights=weights)

    def target(self, words: str, n: int | None) -> Target:
        """What it should reach; `words` say which part of the samples it is taken of."""
        number = self.n or n
        if not number:
            raise PluginError(f"figure {self.name!r}: no n; give it here or to Figures")
        text = ", ".join(part for part in (self.text, words) if part)
        return Target(number, self.at_most, self.at_least, self.floors, self.units, text)


@dataclass(frozen=True)
class Together:
    """Figures that one computation gives.

    Attributes
    ----------
    measure : callable
        (samples, truth, training) -> values by name, of reduced Datasets; what it leaves out has no figure.
    figures : tuple of Figure
        Their names, limits and words.
    """

    measure: Callable[[xr.Dataset, xr.Dataset, xr.Dataset | None], Mapping[str, float]]
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Part:
    """Samples whose variable lies within [low, high], or [low, high) where it is not closed."""

    label: str
    low: float
    high: float
    closed: bool = True
    words: str = ""

    def chosen(self, values: np.ndarray) -> np.ndarray:
        """Their positions."""
        below = values <= self.high if self.closed else values < self.high
        return np.flatnonzero((values >= self.low) & below)


@dataclass(frozen=True)
class Split:
    """How samples are taken apart: by which variable, and into which parts."""

    variable: str | Callable[[xr.Dataset], Any]
    parts: tuple[Part, ...]


def classes(variable: str | Callable[[xr.Dataset], Any], names: Sequence[str]) -> Split:
    """Parts by the code of a label, called by its names."""
    return Split(variable, tuple(Part(name, code, code) for code, name in enumerate(names)))


def bins(
    variable: str | Callable[[xr.Dataset], Any], edges: Sequence[float], *, units: str = "", closed: bool = True
) -> Split:
    """Parts between neighbouring edges, ``low-high``: lower edges included, and where `closed` the last upper one."""
    pairs = list(zip(edges[:-1], edges[1:], strict=True))
    labels = [f"{low:g}-{high:g}" for low, high in pairs]
    parts = [
        Part(label, low, high, closed and high == edges[-1], f"{label} {units}".rstrip())
        for label, (low, high) in zip(labels, pairs, strict=True)
    ]
    return Split(variable, tuple(parts))


def counts(variable: str | Callable[[xr.Dataset], Any], ranges: Sequence[tuple[int, int]], noun: str) -> Split:
    """Parts by a whole number, both ends included: ``1-7 heavy atoms``."""
    labels = [f"{low} {noun}" if low == high else f"{low}-{high} {noun}" for low, high in ranges]
    parts = [Part(label, low, high, words=label) for label, (low, high) in zip(labels, ranges, strict=True)]
    return Split(variable, tuple(parts))


@dataclass(frozen=True)
class Group:
    """Figures of each part of a split; parts within parts by groups within groups."""

    split: Split
    members: tuple[Figure | Together | Group, ...]


def by(split: Split, *members: Figure | Together | Group) -> Group:
    """Take `members` in every part of `split`: ``part/figure``."""
    return Group(split, members)


def _as_it_is(dataset: xr.Dataset) -> xr.Dataset:
    return dataset


@dataclass(frozen=True)
class Figures:
    """A plugin's measure, and what its figures should reach.

    Attributes
    ----------
    members : tuple
        `Figure`, `Together`, and groups of them from `by`.
    reduce : callable
        Dataset -> the per-sample quantities that the figures need; gives back a reduced Dataset as it is.
    n : int, optional
        Of figures that do not say their own.
    least : int
        Samples that a part needs on each side; parts with fewer have no figures.
    paired : tuple of str
        Variables that must be equal row by row, where figures compare samples one by one.
    """

    members: tuple[Figure | Together | Group, ...]
    reduce: Callable[[xr.Dataset], xr.Dataset] = _as_it_is
    n: int | None = None
    least: int = 1
    paired: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = [name for name, _ in self._declared(self.members, "", "")]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise PluginError(f"figures: {twice} declared twice; rename one of each")

    @cached_property
    def targets(self) -> dict[str, Target]:
        """Figure name -> what it should reach."""
        return dict(self._declared(self.members, "", ""))

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Figures of `samples` against `truth`; reduced Datasets are taken as they are.

        Raises
        ------
        SchemaError
            `paired` variables that differ.
        """
        for variable in self.paired:
            if not np.array_equal(samples[variable].values, truth[variable].values):
                raise SchemaError(
                    f"{variable}: samples and truth differ; expected the same rows on both sides",
                    variable=variable,
                    expected="the same rows on both sides",
                )
        return dict(self._measured(self.members, "", self.reduce(samples), self.reduce(truth), training))

    def _declared(self, members: Sequence[Any], prefix: str, words: str) -> Iterator[tuple[str, Target]]:
        for member in members:
            if isinstance(member, Group):
                for part in member.split.parts:
                    told = ", ".join(text for text in (words, part.words) if text)
                    yield from self._declared(member.members, f"{prefix}{part.label}/", told)
                continue
            for figure in member.figures if isinstance(member, Together) else (member,):
                yield f"{prefix}{figure.name}", figure.target(words, self.n)

    def _measured(
        self, members: Sequence[Any], prefix: str, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None
    ) -> Iterator[tuple[str, float]]:
        for member in members:
            if isinstance(member, Figure):
                value = member.value(samples, truth)
                if value is not None:
                    yield f"{prefix}{member.name}", float(value)
            elif isinstance(member, Together):
                for name, value in member.measure(samples, truth, training).items():
                    yield f"{prefix}{name}", float(value)
            else:
                values = [np.asarray(_quantity(side, member.split.variable)) for side in (samples, truth)]
                for part in member.split.parts:
                    chosen = [part.chosen(side) for side in values]
                    if min(len(index) for index in chosen) >= self.least:
                        first, second = rows(samples, chosen[0]), rows(truth, chosen[1])
                        yield from self._measured(member.members, f"{prefix}{part.label}/", first, second, training)


def _quantity(side: xr.Dataset, quantity: str | Callable[[xr.Dataset], Any]) -> Any:
    return side[quantity].values if isinstance(quantity, str) else quantity(side)
