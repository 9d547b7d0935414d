"""Plugin: all that a domain declares; no behaviour of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from .defaults import ReferenceTruth, histograms, uniform_prior
from .errors import PluginError
from .schema import Limit, Schema

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from torch import Tensor

    from .findings import Anchor, Target
    from .laws import Law
    from .recipe import Codec, Recipe
    from .remarks import Remark
    from .simulator import Simulator

    Tensors = dict[str, Tensor]


class Measure(Protocol):
    """The domain's figures: sizes of disagreement, 0 or the stated floor when samples are as good as the truth.

    A plain function will do. Where a measure has them, its ``reduce(dataset)`` serves as
    `Plugin.reduce` and its ``targets`` as `Plugin.targets`.
    """

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Compare samples with the truth."""
        ...


@dataclass(frozen=True)
class Features:
    """What the shared two-sample classifiers look at.

    Attributes
    ----------
    high_level : callable
        Dataset -> (array (n, k) float64, feature names).
    low_level : callable
        Dataset -> (array (n, m, k) float64 of set elements, mask (n, m)); None where there are no sets.
    flat_low_level : callable, optional
        Dataset -> array (n, k), set elements in fixed slots for boosting; the elements themselves otherwise.
    images : callable, optional
        Dataset -> (array (n, channel, y, x) of order one, conditions (n, k)), for a convolutional network.
    """

    high_level: Callable[[xr.Dataset], tuple[Any, tuple[str, ...]]]
    low_level: Callable[[xr.Dataset], tuple[Any, Any]] | None = None
    flat_low_level: Callable[[xr.Dataset], Any] | None = None
    images: Callable[[xr.Dataset], tuple[Any, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A domain: its schema, data, codec, recipes, laws, figures and formats.

    Attributes
    ----------
    name : str
    conditions, outputs : Schema
        As declared; a card holds the narrower range that its weights saw.
    prior : callable
        (schema, n, seed) -> conditions alone, cheap. By default even over the schema's bounds.
    truth : callable
        (n, seed) -> conditions and outputs of the same samples. By default the reference under conditions of the prior.
    codec : callable
        () -> Codec, not yet fitted; `deferred` keeps torch out of the declaration.
    recipes : mapping
        A key names the recipe and its weights; the first is the default.
    constraints : tuple of Law
    measure : Measure
    features : Features
        Inputs of the shared two-sample classifiers.
    targets : mapping
        Figure name -> Target. By default those of the measure, where it is made of `surrogates.measuring.figures`.
    reduce : callable, optional
        Dataset -> the per-sample quantities that the figures need, which are then computed once and resampled; see
        `reduced`.
    figure : callable
        (samples, truth or None) -> matplotlib Figure. By default histograms of every number.
    impostors : mapping
        Name -> (truth Dataset, seed) -> Dataset: the domain's own cheap fakes, which the measures must fail.
    formats : tuple of Format
        Native formats beside NetCDF and HDF5.
    reference : callable, optional
        () -> Simulator, only where it runs forward from any condition.
    remarks : tuple of Remark
        Labels of outputs that a user is warned of, with the number of samples that have them and the first of those.
    limits : tuple of Limit
        Joint infeasibility, of completed conditions.
    complete : callable, optional
        (schema, conditions with missing values, seed) -> the same with what was not asked filled in, inside the
        schema's bounds; what was asked stays. A row depends on (seed, its `sample` coordinate, its conditions) alone.
        Surrogate and reference call it before they run. None: conditions that are not asked stay missing.
    stochastic : bool
        False where equal conditions have one answer: samples and truth are then compared row by row.
    totals : tuple of str
        Outputs, one number a sample, whose sums over all samples the command line reports: volumes of slices.
    title, extra : str
        One line for people; the pip extra that installs the reference simulator.
    reference_package : str
        Distribution whose version a file records.
    anchors : tuple of Anchor
        Published figures, for context on the cards.
    found : callable, optional
        Plugin with schemas that training found in data, or that a card says -> the plugin for these: its codec, laws
        and figures where they depend on what the variables are. None: the schemas are all that changes.
    checked : mapping
        Sizes at which the conformance kit checks the plugin, where its own take too long: fields of
        `surrogates.testing.Subject`.
    """

    name: str
    conditions: Schema
    outputs: Schema
    codec: Callable[[], Codec]
    recipes: Mapping[str, Recipe]
    measure: Measure
    prior: Callable[[Schema, int, int], xr.Dataset] = uniform_prior
    truth: Callable[[int, int], xr.Dataset] = None  # type: ignore[assignment]
    constraints: tuple[Law, ...] = ()
    targets: Mapping[str, Target] = None  # type: ignore[assignment]
    reduce: Callable[[xr.Dataset], xr.Dataset] | None = None
    figure: Callable[..., Figure] = histograms
    features: Features | None = None
    impostors: Mapping[str, Callable[[xr.Dataset, int], xr.Dataset]] = ()  # type: ignore[assignment]
    formats: tuple[Any, ...] = ()
    reference: Callable[[], Simulator] | None = None
    remarks: tuple[Remark, ...] = ()
    limits: tuple[Limit, ...] = ()
    complete: Callable[[Schema, xr.Dataset, int], xr.Dataset] | None = None
    stochastic: bool = True
    totals: tuple[str, ...] = ()
    title: str = ""
    extra: str = ""
    reference_package: str = ""
    anchors: tuple[Anchor, ...] = ()
    found: Callable[[Plugin], Plugin] | None = None
    checked: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clash = set(self.conditions.names) & set(self.outputs.names)
        if clash:
            raise PluginError(f"plugin {self.name!r}: {sorted(clash)} name both a condition and an output; rename one")
        if unknown := [name for name in self.totals if name not in self.outputs or self.outputs[name].dims]:
            raise PluginError(f"plugin {self.name!r}: totals {unknown} are no outputs of one number a sample")
        if self.truth is None:
            if self.reference is None:
                raise PluginError(f"plugin {self.name!r}: neither truth nor reference; declare one of them")
            object.__setattr__(
                self, "truth", ReferenceTruth(self.reference, self.prior, self.complete, self.conditions)
            )
        if self.targets is None:
            if not hasattr(self.measure, "targets"):
                raise PluginError(f"plugin {self.name!r}: no targets; declare them, or a measure made of Figures")
            object.__setattr__(self, "targets", self.measure.targets)  # type: ignore[attr-defined]

    def with_schemas(self, conditions: Schema, outputs: Schema) -> Plugin:
        """The plugin for schemas that were found in data; see `found`."""
        changed = replace(self, conditions=conditions, outputs=outputs)
        return changed if self.found is None else self.found(changed)

    def reduced(self, dataset: xr.Dataset) -> xr.Dataset:
        """What the figures need of samples: by `reduce`, else as the measure reduces them, else as they are."""
        reduce = self.reduce or getattr(self.measure, "reduce", None)
        return dataset if reduce is None else reduce(dataset)
