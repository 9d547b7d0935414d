"""Laws of a record: a systolic pressure is no lower than the mean one, and values stay within what is possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pressure_order(outputs: Mapping[str, Tensor], conditions: Mapping[str, Tensor]) -> Tensor:
    """Largest excess of the mean over the systolic arterial pressure where both were measured, (n,), mmHg."""
    del conditions
    excess = outputs["mean_arterial_pressure"] - outputs["systolic_arterial_pressure"]
    return excess.nan_to_num(nan=-1.0).clamp_min(0.0).amax(dim=1)


def ranges(
    outputs: Mapping[str, Tensor], conditions: Mapping[str, Tensor], *, bounds: Mapping[str, tuple[float, float]]
) -> Tensor:
    """Largest distance by which a measured value lies outside its bounds, in widths of these, (n,)."""
    import torch

    del conditions
    found = []
    for name, (low, high) in bounds.items():
        value = outputs[name].flatten(1) if outputs[name].dim() > 1 else outputs[name][:, None]
        excess = (((low - value).clamp_min(0.0) + (value - high).clamp_min(0.0)) / (high - low)).nan_to_num(nan=0.0)
        found.append(excess.amax(dim=1))
    return torch.stack(found, dim=1).amax(dim=1)
