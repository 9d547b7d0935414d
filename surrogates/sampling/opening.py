"""Open a surrogate or the reference it learned from, by the plugin's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import registry

if TYPE_CHECKING:
    from .reference import ReferenceSimulator
    from .surrogate import Surrogate


def load(
    name: str,
    model: str | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    threads: int | None = 1,
    extrapolate: bool = False,
    fallback: str | None = None,
) -> Surrogate:
    """Open a surrogate with its released weights.

    Parameters
    ----------
    name : str
        Plugin, e.g. ``"particle-events"``.
    model : str, optional
        Recipe; the plugin's first one by default.
    weights : path, optional
        A ``.safetensors`` file of that recipe with its card beside it, in place of the released one; or the folder of
        a training run, of which the newest checkpoint counts.
    device : str
        Torch device.
    threads : int, optional
        Torch threads while sampling, 1 by default: small networks gain little from more, and on a busy machine more
        are many times slower. None leaves torch's own setting.
    extrapolate : bool
        Allow conditions outside the trained range and mark their samples in ``source``.
    fallback : {"reference"}, optional
        Route exactly the samples outside the trained range to the reference simulator and mark them in ``source``.

    Returns
    -------
    Surrogate

    Raises
    ------
    PluginError, WeightsError, SimulatorMissing
    """
    from .surrogate import Surrogate

    found = registry.entry(name)
    return Surrogate.open(
        found.load(),
        model=model,
        weights=Path(weights) if weights is not None else None,
        folder=found.weights,
        device=device,
        threads=threads,
        extrapolate=extrapolate,
        fallback=fallback,
    )


def reference(name: str) -> ReferenceSimulator:
    """Open the reference simulator of a plugin, behind the same call as its surrogate.

    Raises
    ------
    PluginError
        Unknown plugin.
    SimulatorMissing
        The plugin has no forward reference, or its library is not installed; the message names the pip extra.
    """
    from .reference import ReferenceSimulator

    return ReferenceSimulator.open(registry.plugin(name))
