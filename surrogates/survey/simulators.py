"""Which installed plugins a mock survey is made of, found by what they take and give."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ..contract.errors import PluginError
from ..provenance import machine
from ..registry import plugins

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..sampling.surrogate import Surrogate

_MATTER = ({"omega_m", "sigma_8", "redshift", "initial_density"}, {"displacement", "velocity"})
_GALAXIES = (
    {"half_light_radius", "magnitude_i", "ellipticity", "position_angle", "morphology", "pixel_scale"},
    {"image"},
)


def _plugin(what: str, conditions: set[str], outputs: set[str]) -> Plugin:
    for entry in plugins():
        try:
            declared = entry.load()
        except PluginError:  # a broken one says so where it is asked for itself
            continue
        if conditions <= set(declared.conditions.names) and outputs <= set(declared.outputs.names):
            return declared
    raise PluginError(f"survey: no installed plugin makes {what} (from {', '.join(sorted(conditions))}); install one")


@cache
def matter() -> Plugin:
    """The plugin that evolves boxes of matter."""
    return _plugin("boxes of matter", *_MATTER)


@cache
def galaxies() -> Plugin:
    """The plugin that draws galaxies."""
    return _plugin("images of galaxies", *_GALAXIES)


@cache
def matter_surrogate() -> Surrogate:
    """Its surrogate, opened once a process, on one thread."""
    from ..sampling.opening import load

    return load(matter().name)


@cache
def galaxy_surrogate() -> Surrogate:
    """Its surrogate, opened once a process, on one thread."""
    from ..sampling.opening import load

    return load(galaxies().name)


def made_by(surrogate: Any) -> dict[str, Any]:
    """What equal bits of a survey depend on in this process."""
    return {"weights_sha256": surrogate.card.sha256, **machine(surrogate)}
