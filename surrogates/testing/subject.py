"""Subject: the plugin under test with what the checks share, each made once and when it is first needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

import numpy as np

from ..contract.errors import PluginError, SimulatorMissing
from ..registry import entry

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from ..contract.plugin import Plugin
    from ..sampling.reference import ReferenceSimulator
    from ..sampling.surrogate import Surrogate


class Skipped(SkipTest):
    """A check that a plugin gives nothing to, and why; pytest counts it as skipped."""


@dataclass(frozen=True)
class Subject:
    """A plugin under test.

    Attributes
    ----------
    plugin : Plugin
    weights : Path, optional
        Folder of released weights; the installed plugin's own by default.
    truth_samples : int
        Size of the truth that the checks simulate; keep it small where the reference is slow.
    samples : int
        Size of a surrogate's samples.
    measured_samples : int
        Size at which the measures must tell impostors from the truth.
    learned_elsewhere : tuple of str
        Recipes whose weights were learned from other data than the plugin's truth: their codec is fitted anew where a
        round trip of that truth is checked.
    measures_truth : bool
        Whether the measures are held against the truth itself, which is cheap, though a surrogate is released: a
        network's own answers say nothing of impostors that it resembles.
    trains : bool
        Whether to make the recipes' own training data, and to train two updates on some of them.
    slow : tuple of str
        Parts of the names of checks that take long; pytest marks them `slow`.
    seed : int
    """

    plugin: Plugin
    weights: Path | None = None
    truth_samples: int = 200
    samples: int = 3000
    measured_samples: int = 2000
    measures_truth: bool = False
    learned_elsewhere: tuple[str, ...] = ()
    trains: bool = True
    slow: tuple[str, ...] = ()
    seed: int = 20_250_101

    @cached_property
    def folder(self) -> Path | None:
        """Where the released weights are; None for a plugin that is not installed."""
        if self.weights is not None:
            return Path(self.weights)
        try:
            return entry(self.plugin.name).weights
        except PluginError:
            return None

    @cached_property
    def released(self) -> tuple[str, ...]:
        """Recipes with weights, in the plugin's order."""
        if self.folder is None:
            return ()
        return tuple(name for name in self.plugin.recipes if (self.folder / f"{name}.json").is_file())

    @cached_property
    def truth(self) -> xr.Dataset:
        """A small truth."""
        return self.plugin.truth(self.truth_samples, self.seed)

    @cached_property
    def reference(self) -> ReferenceSimulator | None:
        """The reference simulator; None where there is none or its library is not installed."""
        from ..sampling.reference import ReferenceSimulator

        try:
            return ReferenceSimulator.open(self.plugin)
        except SimulatorMissing:
            return None

    @property
    def without_reference(self) -> str:
        """Why there is no reference to check."""
        if self.plugin.reference is None:
            return "the plugin has no reference that runs forward"
        return f"the reference is not installed; install the extra {self.plugin.extra!r}"

    @cached_property
    def _opened(self) -> dict[str, Surrogate]:
        return {}

    def surrogate(self, recipe: str) -> Surrogate:
        """The surrogate of a recipe, on one thread."""
        from ..sampling.surrogate import Surrogate

        if recipe not in self._opened:
            self._opened[recipe] = Surrogate.open(self.plugin, model=recipe, folder=self.folder, threads=1)
        return self._opened[recipe]

    @cached_property
    def _trained(self) -> dict[str, Subject]:
        return {}

    def trained(self, recipe: str) -> Subject:
        """The subject with the plugin as the recipe's weights serve it: itself where their card says nothing more."""
        described = self.surrogate(recipe).plugin if recipe in self.released else self.plugin
        if _questions(described) == _questions(self.plugin):
            return self
        if recipe not in self._trained:
            self._trained[recipe] = replace(self, plugin=described, weights=self.folder)
        return self._trained[recipe]

    @cached_property
    def _sampled(self) -> dict[str, xr.Dataset]:
        return {}

    def sampled(self, recipe: str) -> xr.Dataset:
        """Samples of a recipe under conditions from the prior."""
        if recipe not in self._sampled:
            surrogate = self.surrogate(recipe)
            self._sampled[recipe] = surrogate.sample(self.asked(recipe, self.samples), seed=self.seed)
        return self._sampled[recipe]

    def asked(self, recipe: str, n: int, seed: int | None = None) -> xr.Dataset:
        """Conditions from the prior over the trained range."""
        return self.plugin.prior(self.surrogate(recipe).conditions, n, self.seed if seed is None else seed)

    def measurable(self, seed: int) -> xr.Dataset:
        """Samples to measure: the truth where it is cheap or no surrogate is released, else a surrogate's.

        Of a plugin that has one answer for each condition they all stand at the same conditions.
        """
        n, drawn = self.measured_samples, self.seed + (seed if self.plugin.stochastic else 0)
        if not self.released or self.measures_truth:
            return self.plugin.truth(n, drawn)
        recipe = self.released[0]
        return self.surrogate(recipe).sample(self.asked(recipe, n, drawn), seed=self.seed + seed)

    @cached_property
    def two_truths(self) -> tuple[xr.Dataset, xr.Dataset]:
        """Two independent measurable draws."""
        return self.measurable(1), self.measurable(2)

    @cached_property
    def floors(self) -> dict[str, float]:
        """Largest size of each figure between three independent measurable draws."""
        first, second = self.two_truths
        third = self.measurable(3)
        found = [self.plugin.measure(*pair) for pair in ((second, first), (third, first), (third, second))]
        return {name: max((figures[name] for figures in found), key=abs) for name in found[0]}


def _questions(plugin: Plugin) -> list[tuple[tuple[str, ...], str]]:
    """What is asked and made, less what data say of labels, lengths and ranges."""
    return [(schema.names, schema.source) for schema in (plugin.conditions, plugin.outputs)]


def tensors(data: xr.Dataset, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Variables as the codec takes them: float64 numbers, int64 codes and counts."""
    import torch

    found = {}
    for name in names:
        values = data[name].values
        found[name] = torch.tensor(values, dtype=torch.float64 if values.dtype.kind == "f" else torch.int64)
    return found


def differing(first: xr.Dataset, second: xr.Dataset) -> str:
    """The first variable, row and values in which two Datasets differ, or an empty string where bits agree."""
    if first.sizes != second.sizes:
        return f"sizes differ: {dict(first.sizes)} and {dict(second.sizes)}"
    if set(first.variables) != set(second.variables):
        return f"variables differ: {sorted(map(str, set(first.variables) ^ set(second.variables)))}"
    for name in first.variables:
        a, b = first[name].values, second[name].values
        if a.dtype != b.dtype:
            return f"{name}: dtype {a.dtype} and {b.dtype}"
        same = (a == b) | ((a != a) & (b != b))
        if not same.all():
            where: Any = tuple(int(i) for i in np.argwhere(~same)[0])
            count = int((~same).sum())
            return f"{name}: {count} of {same.size} values differ, first at {where}: {a[where]!r} and {b[where]!r}"
    return ""


def same_attribute(found: Any, expected: Any) -> bool:
    """Whether an attribute is there and equal; NaN equals NaN."""
    numbers = np.asarray(expected).dtype.kind == "f" and np.asarray(found).dtype.kind == "f"
    return found is not None and bool(np.array_equal(found, expected, equal_nan=numbers))
