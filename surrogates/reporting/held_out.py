"""Truth that no training saw, made where a user gives none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import SimulatorMissing
from ..sampling.reference import ReferenceSimulator

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

HELD_OUT_SEED = 1_000_003
"""Added to a user's seed; no training data of ours were drawn with one so large."""


def asked_at(plugin: Plugin) -> int:
    """Samples on each side that the plugin's figures are asked at, the most of them; 2,000 where none is asked."""
    return max((target.n for target in plugin.targets.values()), default=2000)


def held_out(plugin: Plugin, samples: xr.Dataset, *, seed: int, n: int | None = None) -> tuple[xr.Dataset, ...]:
    """Rows of `samples`, the truth for them, and a second truth where the plugin is stochastic.

    A reference that runs forward is run at the samples' own conditions; else the plugin's own truth is drawn, which
    stands at conditions of the prior.

    Parameters
    ----------
    plugin : Plugin
    samples : Dataset
    seed : int
    n : int, optional
        Samples on each side; as many as the figures are asked at, where the file holds so many.

    Raises
    ------
    SimulatorMissing
        No reference runs forward, and the plugin has one answer for each condition, or its own truth has other labels
        than the samples; or its library is missing.
    """
    there = samples.sizes["sample"]
    rows = min(there, n or asked_at(plugin))
    kept = samples if rows == there else samples.isel(sample=np.arange(rows) * there // rows)
    seeds = [seed + HELD_OUT_SEED + turn for turn in range(2 if plugin.stochastic else 1)]
    if plugin.reference is None:
        if not plugin.stochastic:
            raise SimulatorMissing(
                f"{plugin.name}: no reference gives the truth at the samples' conditions; give --reference FILE"
            )
        truths = [plugin.truth(rows, one) for one in seeds]
        for name in plugin.conditions.names:
            labels = [str(side[name].attrs.get("flag_meanings", "")) for side in (kept, truths[0]) if name in side]
            if len(set(labels)) > 1:
                raise SimulatorMissing(
                    f"{name}: the samples' are {_few(labels[0])}, the packaged truth's {_few(labels[1])}; "
                    "give --reference FILE, of the samples' own"
                )
        return (kept, *truths)
    simulator = ReferenceSimulator.open(plugin)
    asked = kept[[name for name in plugin.conditions.names if name in kept]]
    return (kept, *(simulator.sample(asked, seed=one) for one in seeds))


def _few(labels: str) -> str:
    """The first of some labels."""
    names = labels.split()
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
