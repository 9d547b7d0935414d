"""Surrogates: fast learned stand-ins for expensive simulators, with the same call and the same data out.

>>> import surrogates
>>> simulator = surrogates.load("particle-events")  # or surrogates.reference("particle-events")
>>> events = simulator.sample(10_000, seed=1, energy="91.2 GeV")
>>> again = surrogates.read("events.hepmc3")  # any file of samples
>>> smiles = surrogates.text(molecules, "smiles")  # codes of characters as text
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract.errors import PluginError, SchemaError, SimulatorMissing, SurrogatesError, WeightsError
    from .contract.findings import Finding, Target
    from .contract.plugin import Features, Plugin
    from .contract.recipe import Adam, Batch, Phase, Recipe
    from .contract.schema import Coordinate, Dimension, Limit, Schema, Variable
    from .contract.simulator import Simulator
    from .noise import Noise
    from .release.cards import Card
    from .sampling.dask_data import as_dask_array, as_dask_bag, as_dask_delayed
    from .sampling.files import read, text
    from .sampling.opening import load, reference
    from .sampling.reference import ReferenceSimulator
    from .sampling.surrogate import Surrogate
    from .sampling.torch_data import as_torch_dataset
    from .web.client import connect

_HOMES = {
    "contract.errors": ("PluginError", "SchemaError", "SimulatorMissing", "SurrogatesError", "WeightsError"),
    "contract.findings": ("Finding", "Target"),
    "contract.plugin": ("Features", "Plugin"),
    "contract.recipe": ("Adam", "Batch", "Phase", "Recipe"),
    "contract.schema": ("Coordinate", "Dimension", "Limit", "Schema", "Variable"),
    "contract.simulator": ("Simulator",),
    "noise": ("Noise",),
    "release.cards": ("Card",),
    "sampling.dask_data": ("as_dask_array", "as_dask_bag", "as_dask_delayed"),
    "sampling.files": ("read", "text"),
    "sampling.opening": ("load", "reference"),
    "sampling.reference": ("ReferenceSimulator",),
    "sampling.surrogate": ("Surrogate",),
    "sampling.torch_data": ("as_torch_dataset",),
    "web.client": ("connect",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = frozenset(
    {"contract", "io", "measuring", "noise", "physics", "registry", "sampling", "survey", "testing", "timing"}
)

__all__ = [
    "Adam",
    "Batch",
    "Card",
    "Coordinate",
    "Dimension",
    "Features",
    "Finding",
    "Limit",
    "Noise",
    "Phase",
    "Plugin",
    "PluginError",
    "Recipe",
    "ReferenceSimulator",
    "Schema",
    "SchemaError",
    "Simulator",
    "SimulatorMissing",
    "Surrogate",
    "SurrogatesError",
    "Target",
    "Variable",
    "WeightsError",
    "as_dask_array",
    "as_dask_bag",
    "as_dask_delayed",
    "as_torch_dataset",
    "connect",
    "load",
    "read",
    "reference",
    "text",
]


def __getattr__(name: str) -> Any:
    """Import the room that holds `name` when it is first asked for (PEP 562)."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name == "__version__":
        from .provenance import package_version

        return package_version("surrogates")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, "__version__"})
