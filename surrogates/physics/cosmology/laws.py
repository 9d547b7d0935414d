"""What every evolved box keeps, as differentiable residuals: mass, densities that are not negative, momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def mass(outputs: Tensors, conditions: Tensors) -> Tensor:
    """(n,) absolute mean of the density contrast: 0, for no particle is lost."""
    return outputs["density_contrast"].double().mean(dim=(-1, -2, -3)).abs()


def positivity(outputs: Tensors, conditions: Tensors) -> Tensor:
    """(n,) how far the density falls below 0, in units of the mean."""
    return (-1.0 - outputs["density_contrast"].double().amin(dim=(-1, -2, -3))).clamp(min=0.0)


def momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """(n,) mean velocity of particles of equal mass, in the box's own frame: 0, for forces between them cancel."""
    return outputs["velocity"].double().mean(dim=(1, 2, 3)).norm(dim=-1)
