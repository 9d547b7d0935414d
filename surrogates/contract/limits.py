"""Limit: what conditions cannot be together, which bounds on one of them do not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io.conventions import TEXT_COMMENT
from .errors import SchemaError
from .variables import texts

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Limit:
    """A joint infeasibility that bounds on one variable cannot say.

    Attributes
    ----------
    variables : tuple of str
        Those that the weights at hand cannot be asked, for their training data lacked them, are left out of what is
        checked; where none is left, nothing is.
    allows : callable
        Mapping of arrays -> boolean array, True where the combination is feasible.
    expected : str or callable
        What holds for feasible combinations, in words; or mapping of one row's values -> words.
    """

    variables: tuple[str, ...]
    allows: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    expected: str | Callable[[Mapping[str, Any]], str]

    def check(self, conditions: xr.Dataset) -> None:
        """Raise SchemaError naming the first infeasible row."""
        held = conditions.variables  # quicker than as DataArrays
        values = {name: np.asarray(held[name].values) for name in self.variables if name in held}
        if not values:
            return  # weights whose data lacked these conditions
        bad = ~np.asarray(self.allows(values))
        if np.any(bad):
            row = int(np.flatnonzero(bad)[0])
            parts = [(name, _shown(conditions[name], row)) for name in values]
            shown = ", ".join(f"{name} = {value}" for name, value in parts if value != "nan")
            of_row = {name: value[row] for name, value in values.items()}
            expected = self.expected if isinstance(self.expected, str) else self.expected(of_row)
            raise SchemaError(f"{shown}: infeasible{' together' * (len(self.variables) > 1)}; expected {expected}")


def _shown(variable: xr.DataArray, row: int) -> str:
    """One row of a condition in a message: a label, a number, or the shape of a field."""
    value, labels = variable.values[row], str(variable.attrs.get("flag_meanings", "")).split()
    if variable.attrs.get("comment") == TEXT_COMMENT:
        return repr(str(texts(value)))
    if np.ndim(value):
        return f"{np.shape(value)} values"
    if labels:
        return labels[int(value)] if 0 <= value < len(labels) else "none"
    return f"{value:g}" if isinstance(value, np.floating) else str(value)
