"""Numbers with gaps to levels and back: level 0 is "not measured", the others are ranges with their own quantiles.

One categorical variable thus holds mask and value together, atoms such as a Glasgow coma scale of 15 have levels of
their own, and what lies within a level is drawn from the quantiles that the data show there. The systolic arterial
pressure is coded by its excess over the mean one, which no level makes negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .variables import BOUNDS, NAMES, STATURE

Tensors = dict[str, Tensor]

LEVELS = 32
KNOTS = 9
CODED = (*STATURE, *NAMES)
MEAN, SYSTOLIC = "mean_arterial_pressure", "systolic_arterial_pressure"
UNKNOWN_MEAN = 40.0
"""mmHg that the systolic pressure is counted from where no mean pressure was measured."""


def level_shares() -> Tensor:
    """Cumulative shares at which levels begin, (LEVELS + 1,): finer towards both tails."""
    tail = torch.tensor([0.0, 0.001, 0.004, 0.01, 0.02, 0.035, 0.055], dtype=torch.float64)
    body = torch.linspace(0.08, 0.92, LEVELS + 1 - 2 * len(tail), dtype=torch.float64)
    return torch.cat((tail, body, 1.0 - tail.flip(0)))


class RecordCodec(nn.Module):
    """Records to levels and places within them; the levels' edges and quantiles are fitted."""

    edges: Tensor
    knots: Tensor
    used: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("edges", torch.zeros(len(CODED), LEVELS + 1, dtype=torch.float64))
        self.register_buffer("knots", torch.zeros(len(CODED), LEVELS, KNOTS, dtype=torch.float64))
        self.register_buffer("used", torch.zeros(len(CODED), dtype=torch.int64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set edges and quantiles from the first pool."""
        outputs = _differences(pools[0])
        for number, name in enumerate(CODED):
            values = outputs[name].double().flatten()
            self._fit_one(number, values[values.isfinite()].sort().values)

    def _fit_one(self, number: int, values: Tensor) -> None:
        if not len(values):
            low, high = BOUNDS[CODED[number]]
            values = torch.tensor([(low + high) / 2], dtype=torch.float64)
        places = (level_shares() * (len(values) - 1)).round().long()
        edges = values[places].unique()
        starts = edges[:-1] if len(edges) > 1 else edges
        self.used[number] = len(starts)
        self.edges[number] = torch.inf
        self.edges[number, : len(starts)] = starts
        level = torch.searchsorted(starts, values, right=True) - 1
        shares = torch.linspace(0.0, 1.0, KNOTS, dtype=torch.float64)
        for k in range(LEVELS):
            within = values[level == min(k, len(starts) - 1)]
            self.knots[number, k] = within[(shares * (len(within) - 1)).round().long()]

    def encode(self, physical: Tensors) -> Tensors:
        """Levels (0: missing) and places within them of what is there; age in units of 20 years from 65."""
        encoded: Tensors = {}
        if "age" in physical:
            encoded["age"] = ((physical["age"].double() - 65.0) / 20.0).float()
            encoded["sex"], encoded["unit"] = physical["sex"].long(), physical["unit"].long()
        if MEAN in physical:
            outputs = _differences(physical)
            pairs = [self._encode_one(number, outputs[name].double()) for number, name in enumerate(CODED)]
            first = len(STATURE)
            encoded["stature"], encoded["stature_place"] = (
                torch.stack(part, dim=-1) for part in zip(*pairs[:first], strict=True)
            )
            encoded["level"], encoded["place"] = (
                torch.stack(part, dim=-1) for part in zip(*pairs[first:], strict=True)
            )
            encoded["outcome"] = physical["outcome"].long()
        return encoded

    def _encode_one(self, number: int, values: Tensor) -> tuple[Tensor, Tensor]:
        known = values.isfinite()
        edges, knots = self.edges[number], self.knots[number]
        values = torch.where(known, values, edges[0])
        level = (torch.searchsorted(edges, values.contiguous(), right=True) - 1).clamp(0, int(self.used[number]) - 1)
        table = knots[level]
        values = values.clamp(table[..., 0], table[..., -1])
        right = (table <= values[..., None]).sum(dim=-1).clamp(1, KNOTS - 1)
        low, high = (table.gather(-1, index[..., None])[..., 0] for index in (right - 1, right))
        part = torch.where(high > low, (values - low) / (high - low).clamp_min(1e-300), 0.5)
        place = ((right - 1) + part) / (KNOTS - 1)
        return torch.where(known, level + 1, 0), torch.where(known, place, 0.5).float()

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Values in float64, NaN where not measured, within their bounds, systolic no lower than mean pressure."""
        del conditions
        first, outputs = len(STATURE), {}
        for number, name in enumerate(CODED):
            kind = ("stature", number) if number < first else ("level", number - first)
            level = encoded[kind[0]][..., kind[1]].long()
            place = encoded["stature_place" if number < first else "place"][..., kind[1]].double()
            at = place.clamp(0.0, 1.0) * (KNOTS - 1)
            left = at.floor().clamp_max(KNOTS - 2).long()
            table = self.knots[number].flatten()
            index = (level - 1).clamp_min(0) * KNOTS + left
            low, high = table[index], table[index + 1]
            value = low + (high - low) * (at - left)
            if name == SYSTOLIC:
                mean = outputs[MEAN].nan_to_num(nan=UNKNOWN_MEAN)
                value = mean + value.clamp_min(0.0)
            value = value.clamp(*BOUNDS[name])
            if name == SYSTOLIC:
                value = torch.maximum(value, outputs[MEAN].nan_to_num(nan=0.0))
            outputs[name] = torch.where(level > 0, value, torch.nan)
        outputs["outcome"] = encoded["outcome"].long()
        return outputs


def _differences(physical: Tensors) -> Tensors:
    """Outputs with the systolic arterial pressure counted from the mean one."""
    mean = physical[MEAN].double().nan_to_num(nan=UNKNOWN_MEAN)
    return {**physical, SYSTOLIC: (physical[SYSTOLIC].double() - mean).clamp_min(0.0)}
