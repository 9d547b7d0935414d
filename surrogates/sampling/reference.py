"""ReferenceSimulator: the simulator a surrogate learned from, behind the surrogate's own call."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..contract.errors import SimulatorMissing
from ..contract.remarks import Heard
from ..contract.schema import Schema
from ..provenance import CONVENTIONS, package_version, versions
from ..registry import portable, resolve
from .request import ask, check_block, check_limits, check_seed, completed

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.simulator import Simulator

BLOCK = 4096


@dataclass(frozen=True, eq=False, repr=False)
class ReferenceSimulator:
    """A plugin's reference simulator; open one with `surrogates.reference`.

    Attributes
    ----------
    plugin : Plugin
    simulator : Simulator
        The plugin's own object.
    card, fallback : None
    batch, device, threads, extrapolate, options
        As `surrogates.contract.simulator.Opened` has them; no torch, no batches, no trained range.
    """

    plugin: Plugin
    simulator: Simulator
    card: None = field(default=None, init=False)
    fallback: None = field(default=None, init=False)
    batch: int = field(default=1, init=False)
    device: str = field(default="cpu", init=False)
    threads: int | None = field(default=None, init=False)
    extrapolate: bool = field(default=False, init=False)
    options: Mapping[str, Any] = field(default_factory=dict, init=False)

    @classmethod
    def open(cls, plugin: Plugin) -> ReferenceSimulator:
        """Start the reference of `plugin`; raises SimulatorMissing where there is none or its library is missing."""
        if plugin.reference is None:
            raise SimulatorMissing(
                f"{plugin.name}: no reference simulator runs forward from its conditions; only stored truth exists"
            )
        try:
            return cls(plugin, plugin.reference())
        except ImportError as error:
            raise missing_library(plugin, error) from error

    @property
    def conditions(self) -> Schema:
        """What may be asked."""
        return self.simulator.conditions

    @property
    def outputs(self) -> Schema:
        """What comes back."""
        return self.simulator.outputs

    def sample(self, n_or_conditions: int | xr.Dataset, *, seed: int, first: int = 0, **conditions: Any) -> xr.Dataset:
        """Simulate samples; see `Surrogate.sample`."""
        request = ask(self.conditions, n_or_conditions, conditions, first=first, outputs=self.outputs)
        request.check()
        return remarked(self.plugin, self._run(request.whole(), check_seed(seed)))

    def stream(
        self, n_or_conditions: int | xr.Dataset, *, seed: int, block: int = BLOCK, first: int = 0, **conditions: Any
    ) -> Iterator[xr.Dataset]:
        """Simulate samples in blocks at constant memory; see `Surrogate.stream`."""
        request = ask(self.conditions, n_or_conditions, conditions, first=first, outputs=self.outputs)
        request.check()
        size, seed = check_block(block), check_seed(seed)
        return (self._run(rows, seed) for rows in request.blocks(size))

    def _run(self, conditions: xr.Dataset, seed: int) -> xr.Dataset:
        conditions = completed(self.plugin, self.conditions, conditions, seed)
        check_limits(self.plugin.limits, conditions)
        try:
            samples = self.simulator.sample(conditions, seed=seed)
        except ImportError as error:
            raise missing_library(self.plugin, error) from error
        own = dict(samples.attrs)
        return (
            samples[[*self.conditions.names, *self.outputs.names]]
            .assign_attrs(
                Conventions=CONVENTIONS,
                plugin=self.plugin.name,
                recipe="reference",
                seed=seed,
                **versions(self.plugin),
                history=f"surrogates {package_version('surrogates')}: {self.plugin.name} by its reference, seed {seed}",
            )
            .assign_attrs(own)
        )

    def __repr__(self) -> str:
        return f"surrogates.reference({self.plugin.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (portable(self.plugin),)


def _reopen(name: str | Plugin) -> ReferenceSimulator:
    return ReferenceSimulator.open(resolve(name))


def remarked(plugin: Plugin, samples: xr.Dataset) -> xr.Dataset:
    """The samples, once the user was warned of what the plugin remarks of them."""
    heard = Heard(plugin.remarks)
    heard.look(samples)
    for line in heard.lines():
        warnings.warn(f"{plugin.name}: {line}", stacklevel=3)
    return samples


def missing_library(plugin: Plugin, error: ImportError) -> SimulatorMissing:
    """The one-line error for a reference whose domain library is not installed."""
    found = error.name or plugin.reference_package or "its library"
    how = (
        f"pip install 'surrogates[{plugin.extra}]'"
        if plugin.extra
        else f"pip install {plugin.reference_package or found}"
    )
    return SimulatorMissing(f"{plugin.name}: the reference simulator needs {found}, which is not installed; {how}")
