"""What medical images keep: volumes that their labels count, and Hounsfield units that a scanner can store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import ct
from .head import PIXEL, TISSUES

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

_VOLUMES = {
    "volume_csf": 1,
    "volume_grey_matter": 2,
    "volume_white_matter": 3,
    "volume_lesion": TISSUES.index("lesion"),
}


def volume(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest difference [ml] of a volume from what the labels of its tissue count, (n,)."""
    import torch

    tissue = outputs["tissue"]
    apart = [
        outputs[name].double() - (tissue == code).sum(dim=(1, 2)).double() * PIXEL**3 / 1000.0
        for name, code in _VOLUMES.items()
    ]
    return torch.stack(apart).abs().amax(dim=0)


def storable(outputs: Tensors, conditions: Tensors) -> Tensor:
    """How far beyond a scanner's twelve bits the Hounsfield units of `ct` go, (n,)."""
    import torch

    values = outputs["ct"].double().flatten(1)
    return torch.relu(torch.maximum(values.amax(dim=1) - ct.MOST, ct.LEAST - values.amin(dim=1)))


def magnitude(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest negative brightness of `mri`, (n,): a magnitude has none."""
    return (-outputs["mri"].double().flatten(1)).clamp_min(0.0).amax(dim=1)
