"""day-to-night and night-to-day: two directions that one training learns from unpaired images, in one weight file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from torch import nn

from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Adam, Batch, Phase, Recipe
from surrogates.contract.schema import Dimension, Schema, Variable

AXES = (Dimension("y", multiple=2), Dimension("x", multiple=2))
DAY = Schema((Variable("day", "brightness by day", dims=("y", "x"), dtype="float32", bounds=(0.0, 100.0)),), AXES)
NIGHT = Schema((Variable("night", "brightness by night", dims=("y", "x"), dtype="float32", bounds=(0.0, 10.0)),), AXES)


def unpaired(folder: Path) -> tuple[xr.Dataset, ...]:
    """Days, and other nights."""
    draw = np.random.default_rng(5)
    days, nights = 100.0 * draw.random((64, 4, 6)), 10.0 * draw.random((48, 4, 6))
    return DAY.dataset({"day": days}), NIGHT.dataset({"night": nights})


class Plain(nn.Module):
    """Brightness in numbers of order one."""

    scales = {"day": 100.0, "night": 10.0}

    def fit(self, pools) -> None:
        """Nothing to fit."""

    def encode(self, physical):
        """Divide by the largest."""
        return {name: (values / self.scales[name]).float() for name, values in physical.items()}

    def decode(self, encoded, conditions):
        """And back."""
        return {name: values.double() * self.scales[name] for name, values in encoded.items()}


class Both(nn.Module):
    """Two gains, one a direction; `sample` goes the one that it was built for."""

    ships = ("to_night", "to_day")

    def __init__(self, codec, made: str) -> None:
        super().__init__()
        self.made = made
        self.to_night, self.to_day = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)

    def sample(self, conditions, noise):
        """Translate."""
        (field,) = conditions.values()
        network = self.to_night if self.made == "night" else self.to_day
        return {self.made: network(field[..., None])[..., 0]}


def cycle(model: Both, batch: Batch):
    """Mean brightness of the other side, and back to where it began."""
    day, night = (batch.encoded | batch.conditions)[f"{0}/day"], (batch.encoded | batch.conditions)["1/night"]
    made = model.to_night(day[..., None])[..., 0]
    yield "to_night", (made.mean((1, 2)) - night.mean()).square()
    back = model.to_day(made.detach()[..., None])[..., 0]
    yield "to_day", (back - day).square().mean((1, 2))


def plugin(name: str, conditions: Schema, outputs: Schema, other: str) -> Plugin:
    """One direction."""
    (made,) = outputs.names
    recipe = Recipe(
        unpaired, partial(Both, made=made), (Phase(cycle, 80, {"to_night": Adam(0.05), "to_day": Adam(0.05)}),), 16,
        sample_batch=4, serves=(other,), source="drawn",
    )  # fmt: skip
    return Plugin(
        name=name,
        conditions=conditions,
        outputs=outputs,
        prior=lambda schema, n, seed: schema.dataset({conditions.names[0]: np.ones((n, 4, 6))}),
        truth=lambda n, seed: xr.Dataset(),
        codec=Plain,
        recipes={"cycle": recipe},
        constraints=(),
        measure=lambda samples, truth, training=None: {},
        targets={},
        figure=lambda *sides: __import__("matplotlib.figure", fromlist=["Figure"]).Figure(),
        stochastic=False,
    )


DAY_TO_NIGHT = plugin("day-to-night", DAY, NIGHT, "night-to-day")
NIGHT_TO_DAY = plugin("night-to-day", NIGHT, DAY, "day-to-night")
