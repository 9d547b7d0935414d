"""Laws of predicted molecular properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class IntervalOrder:
    """0 <= low <= value <= high of a property that cannot be negative; what is missing (NaN) breaks nothing.

    Attributes
    ----------
    of : str
        The property; its ends are ``<of>_low`` and ``<of>_high``.
    units : str
    strength : str
    tolerance : float
    """

    of: str
    units: str
    strength: str = "construction"
    tolerance: float = 1e-9

    @property
    def name(self) -> str:
        """``<of>_interval``."""
        return f"{self.of}_interval"

    def residual(self, outputs: Mapping[str, Tensor], conditions: Mapping[str, Tensor]) -> Tensor:
        """By how much the order is broken, in the property's units; (n,) float64."""
        import torch

        del conditions
        low, value, high = (outputs[f"{self.of}{end}"].double() for end in ("_low", "", "_high"))
        broken = torch.relu(-low) + torch.relu(low - value) + torch.relu(value - high)
        return torch.where(broken.isnan(), 0.0, broken)
