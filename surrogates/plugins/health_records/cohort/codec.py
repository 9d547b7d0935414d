"""Any pair of tables to levels and back: labels are levels of their own, ordinal numbers atoms, others quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....contract.schema import Schema
from ....models.encodings import context, context_width
from ..levels import LEVELS, Levels
from .layout import Column, Layout

Tensors = dict[str, Tensor]


class TableCodec(Levels):
    """Records of a layout; beside edges and quantiles, which levels occur at all.

    Parameters
    ----------
    layout : Layout
    """

    occurs: Tensor

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.drawn, self.measured = layout.drawn, layout.measured
        super().__init__(len(self.drawn) + len(self.measured))
        self.conditions, self.outputs = layout.schemas()
        widths = [context_width(Schema((variable,))) for variable in self.conditions]
        self.asked = [place for place, width in enumerate(widths) for _ in range(width)]
        """Of each column of the context, the condition's place."""
        self.register_buffer("occurs", torch.zeros(len(self.columns), LEVELS + 1, dtype=torch.bool))

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is drawn, columns of the stay first."""
        return (*self.drawn, *self.measured)

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set levels from the first pool."""
        for number, column in enumerate(self.columns):
            values = pools[0][column.name].flatten()
            if column.kind == "categorical":
                self.used[number] = len(column.labels)
            elif column.kind == "ordinal":
                self.fit_atoms(number, torch.tensor(column.values, dtype=torch.float64).sort().values)
            else:
                self.fit_column(number, values[values.isfinite()].double().sort().values)
            level, _ = self._encoded(number, values)
            self.occurs[number] = torch.bincount(level, minlength=LEVELS + 1) > 0

    def _encoded(self, number: int, values: Tensor) -> tuple[Tensor, Tensor]:
        if self.columns[number].kind == "categorical":
            return values.long() + 1, torch.full(values.shape, 0.5)
        return self.encode_column(number, values.double())

    def encode(self, physical: Tensors) -> Tensors:
        """Levels and places of what is there, and the conditions as a network takes them."""
        encoded: Tensors = {}
        if self.asked and all(name in physical for name in self.conditions.names):
            encoded["asked"] = context(self.conditions, physical)
        if all(name in physical for name in self.outputs.names):
            n = len(physical[self.measured[0].name])
            pairs = [self._encoded(number, physical[column.name]) for number, column in enumerate(self.columns)]
            first = len(self.drawn)
            for kind, part in (("stature", pairs[:first]), ("level", pairs[first:])):
                name = "stature_place" if kind == "stature" else "place"
                encoded[kind] = torch.stack([a for a, _ in part], -1) if part else torch.zeros((n, 0)).long()
                encoded[name] = torch.stack([b for _, b in part], -1) if part else torch.zeros((n, 0))
            encoded["outcome"] = torch.zeros(n, dtype=torch.int64)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Values in float64, rounded as the tables' are and within their bounds, NaN where missing; codes, -1 there."""
        del conditions
        outputs, first = {}, len(self.drawn)
        for number, column in enumerate(self.columns):
            kind, place = ("stature", "stature_place") if number < first else ("level", "place")
            at = number if number < first else number - first
            level = encoded[kind][..., at].long()
            if column.kind == "categorical":
                outputs[column.name] = level.clamp_max(len(column.labels)) - 1
                continue
            value = self.decode_column(number, level, encoded[place][..., at])
            if column.decimals is not None and column.kind == "continuous":
                value = value.round(decimals=column.decimals)
            outputs[column.name] = torch.where(level > 0, value, torch.nan)
        return outputs
