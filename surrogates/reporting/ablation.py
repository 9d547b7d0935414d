"""A figure of hidden units: which of them change a model's pictures most when they give 0, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import SchemaError, SurrogatesError, nearest
from ..counting import counted
from ..plotting.images import pictures
from ..plotting.units import UnitRow, unit_page
from ..sampling.ablation import effects, layers, spread_over
from .walks import picture_variable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..sampling.surrogate import Surrogate

LAYERS, UNITS, SHOWN, SAMPLES = 5, 16, 3, 4
"""Layers and units of each that are looked at, units that are drawn, and samples that they are measured on."""


def ablation_figure(surrogate: Surrogate, *, seed: int = 0, chosen: Sequence[str] = ()) -> Figure:
    """Rows of layers: how much each unit changes the pictures, and where the first of them do.

    Parameters
    ----------
    surrogate : Surrogate
    seed : int
        Of the samples, whose conditions are the prior's.
    chosen : sequence of str
        Layers, of which all units are looked at; by default some from the first to the last, and some units of each
        at equal steps.

    Raises
    ------
    SurrogatesError
        No output is a picture, or the model has no such layer, or none with hidden units.
    """
    shown, known = picture_variable(surrogate), layers(surrogate)
    if not known:
        raise SurrogatesError(f"{surrogate.plugin.name}: the model has no layer with hidden units")
    for name in chosen:
        if name not in known:
            some = ", ".join(list(known)[:4])
            raise SchemaError.about("--layer", f"{name!r} is no layer", f"{some}, …", hint=nearest(name, list(known)))
    rows = surrogate.plugin.prior(surrogate.conditions, SAMPLES, seed)[list(surrogate.conditions.names)]
    names = list(chosen) or spread_over(known, LAYERS)
    found = []
    for name in counted(iter(names), "layers", len(names)):
        every = np.arange(known[name])
        some = every[np.unique(np.linspace(0, len(every) - 1, min(UNITS, len(every))).astype(int))]
        units = every if chosen else some
        found.append(effects(surrogate, rows, shown.name, name, units.tolist(), seed=seed))
    first = surrogate.sample(rows, seed=seed)[shown.name].values[:1]
    best = [np.argsort(-one.change)[:SHOWN] for one in found]
    # made into pictures together, for one scale
    stacked = np.concatenate([first, *(one.without[order] for one, order in zip(found, best, strict=True))])
    whole, *drawn = pictures(stacked, bounds=shown.bounds)
    lines, place = [], 0
    for one, order in zip(found, best, strict=True):
        parts = [(f"unit {one.units[k]}", one.where[k], drawn[place + i]) for i, k in enumerate(order)]
        place += len(order)
        title = f"{one.layer}\n{len(one.units)} of {known[one.layer]} units"
        lines.append(UnitRow(title, one.change, parts))
    units = "" if shown.units == "1" else f" [{shown.units}]"
    return unit_page(whole, lines, f"change{units}", upright="lat" not in shown.dims)
