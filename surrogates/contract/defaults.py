"""What a plugin need not write: a prior even over its schema's bounds, truth by its reference, a page of histograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..noise import draws
from ..plotting.panels import empty, ratio_axes, ratio_histogram, styled
from .errors import PluginError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from .schema import Schema, Variable
    from .simulator import Simulator


def uniform_prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Conditions drawn evenly over the bounds of `schema`, categories and whole numbers with equal odds.

    Parameters
    ----------
    schema : Schema
        A variable without bounds or categories, and a field, stands at its default, or is not asked where it is
        optional.
    n, seed : int
        Row i depends on (seed, i) alone.

    Raises
    ------
    PluginError
        A variable that has neither bounds nor a default and must be asked.
    """
    values = draws(seed, np.arange(n)).uniform((max(len(schema.names), 1),), "prior")
    drawn = {variable.name: _drawn(schema, variable, u) for variable, u in zip(schema, values.T, strict=False)}
    return schema.dataset(drawn, np.arange(n))


def _drawn(schema: Schema, variable: Variable, u: np.ndarray) -> np.ndarray:
    if not variable.dims and variable.categories is not None:
        return np.floor(u * len(variable.categories)).astype(variable.dtype)
    if not variable.dims and variable.bounds is not None:
        low, high = variable.bounds
        if np.dtype(variable.dtype).kind in "iu":
            return np.floor(low + (high - low + 1) * u).astype(variable.dtype)
        return low + (high - low) * u
    if variable.default is None and not variable.optional:
        raise PluginError(f"{variable.name}: no bounds and no default; declare one of them, or the plugin's own prior")
    value: Any = variable.missing if variable.default is None else variable.convert(variable.default)
    shape = [schema.dimension(name).size for name in variable.dims]
    if None in shape:
        raise PluginError(f"{variable.name}: its dimensions have no fixed size; declare the plugin's own prior")
    return np.broadcast_to(np.asarray(value), (len(u), *shape)).copy()  # type: ignore[arg-type]


@dataclass(frozen=True)
class ReferenceTruth:
    """Truth by the reference under conditions of the prior.

    Attributes
    ----------
    reference, prior, complete : callable
        Of the plugin.
    conditions : Schema
    """

    reference: Callable[[], Simulator]
    prior: Callable[[Schema, int, int], xr.Dataset]
    complete: Callable[[Schema, xr.Dataset, int], xr.Dataset] | None
    conditions: Schema

    def __call__(self, n: int, seed: int) -> xr.Dataset:
        """Simulate `n` samples."""
        asked = self.prior(self.conditions, n, seed)
        if self.complete is not None:
            asked = self.complete(self.conditions, asked, seed)
        return self.reference().sample(asked, seed=seed)


@styled
def histograms(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """Every number of a sample as a histogram, with its ratio to the truth; what has further dimensions flattened.

    Parameters
    ----------
    samples : Dataset
    truth : Dataset, optional
    """
    from matplotlib.figure import Figure

    shown = [str(name) for name, variable in samples.data_vars.items() if variable.dtype.kind == "f"][:12]
    columns = min(4, max(len(shown), 1))
    rows = -(-max(len(shown), 1) // columns)
    page = Figure(figsize=(3.2 * columns, 2.8 * rows), layout="constrained")
    pairs = ratio_axes(page, rows, columns, ratios=truth is not None)
    for pair, name in zip(pairs, shown, strict=False):
        sides = samples[name].values, truth[name].values if truth is not None and name in truth else None
        together = np.concatenate([side.ravel() for side in sides if side is not None])
        finite = together[np.isfinite(together)]
        low, high = np.quantile(finite, (0.001, 0.999)) if len(finite) else (0.0, 1.0)
        units = samples[name].attrs.get("units", "1")
        label = str(samples[name].attrs.get("long_name", name)) + ("" if units == "1" else f" [{units}]")
        ratio_histogram(pair, sides, np.linspace(low, high if high > low else low + 1.0, 41), label)
    for upper, lower in pairs[len(shown) :]:
        upper.axis("off")
        if lower is not None:
            lower.axis("off")
    if not shown:
        empty(pairs[0][0], "no numbers to show")
    return page
