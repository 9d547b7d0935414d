"""A figure of what lies between samples: walks from one to another, and what a difference of two adds to a third."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import SurrogatesError
from ..plotting.images import picture_rows, pictures
from ..plotting.panels import styled
from ..sampling.walks import between, mixed

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from ..contract.schema import Variable
    from ..sampling.surrogate import Surrogate

STEPS, PAIRS = 9, 2

SIDE = 16
"""Pixels that a picture has at least on a side."""


@styled
def walk_figure(surrogate: Surrogate, *, seed: int = 0) -> Figure:
    """Rows of pictures between samples whose conditions are the prior's.

    In the first rows only the noise goes from one sample to another, in the next ones the conditions too; the last row
    begins with one sample and ends with that one, plus a second, less a third, by their noise.

    Parameters
    ----------
    surrogate : Surrogate
    seed : int
        Of the samples.

    Raises
    ------
    SurrogatesError
        No output is a picture, or nothing lies between the model's samples.
    """
    shown = picture_variable(surrogate)
    ends = surrogate.plugin.prior(surrogate.conditions, 2 * PAIRS, seed)[list(surrogate.conditions.names)]
    share = np.linspace(0.0, 1.0, STEPS)
    drawn: dict[str, xr.Dataset] = {}
    for told in (False, True):
        for pair in range(PAIRS):
            first, last = (ends.isel(sample=np.full(STEPS, pair + side)) for side in (0, PAIRS))
            others = np.full(STEPS, int(last["sample"].values[0]))
            way = between(surrogate, first, last if told else None, fractions=share, seed=seed, others=others)
            what = "noise and\nconditions" if told else "noise alone"
            drawn[f"{what} {pair + 1}"] = way
    parts = [ends.isel(sample=np.zeros(STEPS, np.int64)).assign_coords(sample=np.full(STEPS, k)) for k in range(3)]
    weights = np.stack((np.ones(STEPS), share, -share), axis=1)
    alone = np.stack((np.ones(STEPS), 0.0 * share, 0.0 * share), axis=1)
    drawn["plus second,\nless third"] = mixed(surrogate, parts, weights=weights, shares=alone, seed=seed)
    rows = {title: pictures(samples[shown.name].values, bounds=shown.bounds) for title, samples in drawn.items()}
    headings = [f"{fraction:.3g}" for fraction in share]
    return picture_rows(rows, headings=headings, side=1.2, upright="lat" not in shown.dims)


def picture_variable(surrogate: Surrogate) -> Variable:
    """The output that is shown as a picture: numbers over rows and columns, and the fewest axes beside these.

    Raises
    ------
    SurrogatesError
        There is none.
    """
    schema = surrogate.outputs
    fields = [
        variable
        for variable in schema
        if np.dtype(variable.dtype).kind == "f"
        and sum((schema.dimension(name).size or SIDE) >= SIDE for name in variable.dims) >= 2
    ]
    if not fields:
        raise SurrogatesError(f"{surrogate.plugin.name}: no output is a picture that could be shown")
    return min(fields, key=lambda variable: len(variable.dims))
