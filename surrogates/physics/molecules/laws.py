"""Laws of predicted molecular properties, as residuals: 0 where the law holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def interval_order(outputs: Tensors, conditions: Tensors, *, of: str) -> Tensor:
    """0 <= low <= value <= high of a property that cannot be negative; what is missing (NaN) breaks nothing.

    Parameters
    ----------
    outputs : mapping
        The property `of` and its ends ``<of>_low`` and ``<of>_high``.
    conditions : mapping
        Not looked at.
    of : str

    Returns
    -------
    Tensor
        (n,) float64, by how much the order is broken in the property's units.
    """
    import torch

    del conditions
    low, value, high = (outputs[f"{of}{end}"].double() for end in ("_low", "", "_high"))
    broken = torch.relu(-low) + torch.relu(low - value) + torch.relu(value - high)
    return torch.where(broken.isnan(), 0.0, broken)
