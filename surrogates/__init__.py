"""Surrogates: fast learned stand-ins for expensive simulators, with the same call and the same data out.

>>> import surrogates
>>> simulator = surrogates.load("particle-events")  # or surrogates.reference("particle-events")
>>> events = simulator.sample(10_000, seed=1, energy="91.2 GeV")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cards import Card, Finding
    from .errors import PluginError, SimulatorMissing, SurrogatesError, WeightsError
    from .noise import Noise
    from .plugin import Features, Plugin, Target
    from .recipe import Adam, Batch, Phase, Recipe
    from .reference_simulator import ReferenceSimulator
    from .registry import load, reference
    from .schema import Dimension, Limit, Schema, SchemaError, Variable
    from .simulator import Simulator
    from .surrogate import Surrogate

_HOMES = {
    "cards": ("Card", "Finding"),
    "errors": ("PluginError", "SimulatorMissing", "SurrogatesError", "WeightsError"),
    "noise": ("Noise",),
    "plugin": ("Features", "Plugin", "Target"),
    "recipe": ("Adam", "Batch", "Phase", "Recipe"),
    "reference_simulator": ("ReferenceSimulator",),
    "registry": ("load", "reference"),
    "schema": ("Dimension", "Limit", "Schema", "SchemaError", "Variable"),
    "simulator": ("Simulator",),
    "surrogate": ("Surrogate",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = frozenset({"cards", "errors", "io", "noise", "parallel", "physics", "registry", "schema", "testing"})

__all__ = [
    "Adam",
    "Batch",
    "Card",
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
    "load",
    "reference",
]


def __getattr__(name: str) -> Any:
    """Import the room that holds `name` when it is first asked for (PEP 562)."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name == "__version__":
        from .registry import package_version

        return package_version("surrogates")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS, "__version__"})
