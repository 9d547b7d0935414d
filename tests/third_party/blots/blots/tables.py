"""blot-tables: records whose columns are those of the user's CSV file, drawn column by column from what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import nn

from surrogates.contract.found import variable_of
from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Adam, Phase, Recipe
from surrogates.contract.schema import Schema


def read_csv(path: Path) -> tuple[xr.Dataset, ...]:
    """Columns of numbers and of labels; ``mass [kg]`` names a unit."""
    lines = [line.split(",") for line in Path(path).read_text().splitlines()]
    data = {}
    for title, *cells in zip(*lines, strict=True):
        name, _, units = title.rstrip("]").partition(" [")
        try:
            data[name] = ("sample", np.array(cells, dtype=np.float64), {"units": units or "1"})
        except ValueError:
            labels, codes = np.unique(cells, return_inverse=True)
            data[name] = ("sample", codes.astype(np.int16), {"flag_meanings": " ".join(labels)})
    return (xr.Dataset(data),)


def columns(pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    """A column called `group` is a condition, every other one an output."""
    found = [variable_of(str(name), array) for name, array in pools[0].data_vars.items()]
    asked = tuple(variable for variable in found if variable.name == "group")
    return Schema(asked), Schema(tuple(variable for variable in found if variable not in asked))


class Rows(nn.Module):
    """Columns sorted, so that a uniform number finds a value of each."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(1, 1, dtype=torch.float64))
        self.register_buffer("names", torch.zeros(1, dtype=torch.uint8))

    def fit(self, pools) -> None:
        """Keep the sorted columns and their names."""
        self.table = torch.stack([column.double().sort().values for column in pools[0].values()], 1)
        self.names = torch.tensor(list("\n".join(pools[0]).encode()), dtype=torch.uint8)

    def encode(self, physical):
        """Every column as it is."""
        return {name: values.float() for name, values in physical.items()}

    def decode(self, encoded, conditions):
        """The value at each uniform number."""
        names = bytes(self.names.tolist()).decode().split("\n")
        rank = (encoded["rank"] * len(self.table)).long().clamp(0, len(self.table) - 1)
        return {name: self.table[rank[:, k], k] for k, name in enumerate(names)}


class Uniform(nn.Module):
    """A uniform number for every column."""

    ships = ("shift",)

    def __init__(self, codec: Rows) -> None:
        super().__init__()
        self.columns = codec.table.shape[1]
        self.shift = nn.Linear(1, 1)

    def sample(self, conditions, noise):
        """Ranks."""
        return {"rank": noise.uniform((self.columns,), "rank")}


def nothing(model, batch):
    """Shrink what is not needed."""
    yield "shift", model.shift.weight.square().sum().expand(len(next(iter(batch.encoded.values()))))


PLUGIN = Plugin(
    name="blot-tables",
    title="records with the columns of a table",
    conditions=Schema(),
    outputs=Schema(),
    prior=lambda schema, n, seed: xr.Dataset(coords={"sample": np.arange(n)}),
    truth=lambda n, seed: xr.Dataset(),
    codec=Rows,
    recipes={
        "columns": Recipe(
            None,
            Uniform,
            (Phase(nothing, 5, {"shift": Adam()}),),
            4,
            learns=lambda path, kept: read_csv(path),
            layout="a table in CSV",
            reads=(".csv",),
            schema=columns,
        )
    },
    constraints=(),
    measure=lambda samples, truth, training=None: {},
    targets={},
    figure=lambda *sides: __import__("matplotlib.figure", fromlist=["Figure"]).Figure(),
)
