"""Records of any layout as plain arrays, a gap being NaN in numbers and labels alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..tables import summaries_of
from .layout import Layout

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class View:
    """How figures look at records of a layout.

    Attributes
    ----------
    layout : Layout
    """

    layout: Layout

    @property
    def signs(self) -> tuple[str, ...]:
        """Names of what is measured over time."""
        return tuple(sign.name for sign in self.layout.measured)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what stands once for a stay, the outcome left out."""
        return tuple(c.name for c in (*self.layout.of("condition"), *self.layout.of("output")))

    def cells(self, data: xr.Dataset) -> np.ndarray:
        """Cells of stays, (n, bin, sign) float64."""
        return np.stack([_floats(data, name) for name in self.signs], axis=-1)

    def there(self, data: xr.Dataset) -> np.ndarray:
        """Whether measured, (n, bin, sign)."""
        return np.isfinite(self.cells(data))

    def measured(self, data: xr.Dataset) -> np.ndarray:
        """Share of each stay's cells that are measured, (n,)."""
        return self.there(data).mean(axis=(1, 2))

    def about(self, data: xr.Dataset) -> np.ndarray:
        """What stands once for a stay, (n, 1, column)."""
        return np.stack([_floats(data, name) for name in self.columns], axis=-1)[:, None, :]

    def outcomes(self, data: xr.Dataset) -> np.ndarray:
        """Codes of the outcome, (n,) float64."""
        assert self.layout.outcome is not None
        return _floats(data, self.layout.outcome.name)

    def by_outcome(self, data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Cells and outcomes."""
        return self.cells(data), self.outcomes(data)

    def flat(self, data: xr.Dataset) -> np.ndarray:
        """One row a stay of all there is, (n, k)."""
        once = [_floats(data, name) for name in self.columns]
        once += [self.outcomes(data)] if self.layout.outcome is not None else []
        cells = self.cells(data)
        return np.concatenate([*(column[:, None] for column in once), cells.reshape(len(cells), -1)], axis=1)

    def summaries(self, data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """What a score of the outcome looks at, (n, k), and the outcome, (n,) int."""
        parts = [_floats(data, name)[:, None] for name in self.columns]
        return np.concatenate([*parts, summaries_of(self.cells(data))], axis=1), self.outcomes(data).astype(int)

    def features(self, data: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
        """The full table with its gaps, and how often each sign was measured, with names."""
        counts = self.there(data).sum(axis=1)
        outcome = [self.layout.outcome.name] if self.layout.outcome is not None else []
        names = [*self.columns, *outcome]
        names += [f"{name} {b}" for b in range(self.layout.bins.count) for name in self.signs]
        names += [f"measured {name}" for name in self.signs]
        return np.concatenate([self.flat(data), counts], axis=1), tuple(names)


def _floats(data: xr.Dataset, name: str) -> np.ndarray:
    array = data[name]
    values = np.asarray(array.values, dtype=np.float64)
    return np.where(values < 0, np.nan, values) if array.dtype.kind in "iu" else values
