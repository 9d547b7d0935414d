"""Numbers with gaps to levels and back: level 0 is "not measured", the others are ranges with their own quantiles.

One categorical variable thus holds mask and value together, atoms such as a Glasgow coma scale of 15 have levels of
their own, and what lies within a level is drawn from the quantiles that the data show there. The systolic arterial
pressure is coded by its excess over the mean one, which no level makes negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .levels import Levels
from .variables import BOUNDS, NAMES, STATURE

Tensors = dict[str, Tensor]

CODED = (*STATURE, *NAMES)
MEAN, SYSTOLIC = "mean_arterial_pressure", "systolic_arterial_pressure"
UNKNOWN_MEAN = 40.0
"""mmHg that the systolic pressure is counted from where no mean pressure was measured."""


class RecordCodec(Levels):
    """Records to levels and places within them; the levels' edges and quantiles are fitted."""

    def __init__(self) -> None:
        super().__init__(len(CODED))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set edges and quantiles from the first pool."""
        outputs = differences(pools[0])
        for number, name in enumerate(CODED):
            values = outputs[name].double().flatten()
            known = values[values.isfinite()].sort().values
            if not len(known):
                low, high = BOUNDS[name]
                known = torch.tensor([(low + high) / 2], dtype=torch.float64)
            self.fit_column(number, known)

    def encode(self, physical: Tensors) -> Tensors:
        """Levels (0: missing) and places within them of what is there; age in units of 20 years from 65."""
        encoded: Tensors = {}
        if "age" in physical:
            encoded["age"] = ((physical["age"].double() - 65.0) / 20.0).float()
            encoded["sex"], encoded["unit"] = physical["sex"].long(), physical["unit"].long()
        if MEAN in physical:
            outputs = differences(physical)
            pairs = [self.encode_column(number, outputs[name].double()) for number, name in enumerate(CODED)]
            first = len(STATURE)
            encoded["stature"], encoded["stature_place"] = (
                torch.stack(part, dim=-1) for part in zip(*pairs[:first], strict=True)
            )
            encoded["level"], encoded["place"] = (
                torch.stack(part, dim=-1) for part in zip(*pairs[first:], strict=True)
            )
            encoded["outcome"] = physical["outcome"].long()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Values in float64, NaN where not measured, within their bounds, systolic no lower than mean pressure."""
        del conditions
        first, outputs = len(STATURE), {}
        for number, name in enumerate(CODED):
            kind = ("stature", number) if number < first else ("level", number - first)
            level = encoded[kind[0]][..., kind[1]].long()
            place = encoded["stature_place" if number < first else "place"][..., kind[1]]
            value = self.decode_column(number, level, place)
            if name == SYSTOLIC:
                mean = outputs[MEAN].nan_to_num(nan=UNKNOWN_MEAN)
                value = mean + value.clamp_min(0.0)
            value = value.clamp(*BOUNDS[name])
            if name == SYSTOLIC:
                value = torch.maximum(value, outputs[MEAN].nan_to_num(nan=0.0))
            outputs[name] = torch.where(level > 0, value, torch.nan)
        outputs["outcome"] = encoded["outcome"].long()
        return outputs


def differences(physical: Tensors) -> Tensors:
    """Outputs with the systolic arterial pressure counted from the mean one."""
    mean = physical[MEAN].double().nan_to_num(nan=UNKNOWN_MEAN)
    return {**physical, SYSTOLIC: (physical[SYSTOLIC].double() - mean).clamp_min(0.0)}
