"""Simulator: the one protocol that a surrogate and the reference it learned from both keep; and both as opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import xarray as xr

    from .schema import Schema


class Elsewhere:
    """CPU-seconds that simulators of this process spent in processes of their own; whoever times them adds these.

    Attributes
    ----------
    seconds : float
    """

    def __init__(self) -> None:
        self.seconds = 0.0


ELSEWHERE = Elsewhere()


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


class Opened(Simulator, Protocol):
    """A surrogate or reference as `surrogates.load` and `surrogates.reference` open it, for runs, files and processes.

    Attributes
    ----------
    plugin : Plugin
        Of a surrogate as its card describes it.
    card : Card, optional
        Of the weights; None of a reference.
    batch : int
        Samples computed at a time; 1 where rows do not share a computation.
    device : str
        Torch device.
    threads : int, optional
        Torch threads; None leaves torch's own setting.
    extrapolate : bool
        Whether conditions outside the trained range are allowed.
    fallback : Opened, optional
        What simulates the samples outside the trained range.
    options : mapping
        The sampler options in force.
    """

    @property
    def plugin(self) -> Any: ...
    @property
    def card(self) -> Any: ...
    @property
    def batch(self) -> int: ...
    @property
    def device(self) -> str: ...
    @property
    def threads(self) -> int | None: ...
    @property
    def extrapolate(self) -> bool: ...
    @property
    def fallback(self) -> Any: ...
    @property
    def options(self) -> Mapping[str, Any]: ...

    def sample(self, n_or_conditions: int | xr.Dataset, *, seed: int, first: int = 0, **conditions: Any) -> xr.Dataset:
        """Draw samples of a number, or of rows of conditions."""
        ...

    def stream(
        self,
        n_or_conditions: int | xr.Dataset,
        *,
        seed: int,
        block: int = ...,
        first: int = 0,
        **conditions: Any,
    ) -> Iterator[xr.Dataset]:
        """Draw the same samples in blocks."""
        ...
