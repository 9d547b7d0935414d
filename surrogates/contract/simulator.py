"""Simulator: the one protocol that a surrogate and the reference it learned from both keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import xarray as xr

    from .schema import Schema


@runtime_checkable
class Simulator(Protocol):
    """Anything that turns conditions into samples.

    Attributes
    ----------
    conditions, outputs : Schema
        What may be asked and what comes back; names are disjoint.
    """

    @property
    def conditions(self) -> Schema:
        """What may be asked."""
        ...

    @property
    def outputs(self) -> Schema:
        """What comes back."""
        ...

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate one sample for each row of `conditions`.

        Parameters
        ----------
        conditions : xarray.Dataset
            Condition variables in schema units along `sample`, whose integer coordinate identifies the sample.
        seed : int
            A row depends on (seed, its `sample` coordinate) alone.

        Returns
        -------
        xarray.Dataset
            The conditions and the outputs, with the same `sample` coordinate.
        """
        ...
