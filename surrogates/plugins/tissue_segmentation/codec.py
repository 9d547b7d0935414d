"""MR slices to and from what the network sees: brightness in units of the slice's own."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .variables import TISSUES, VOLUMES, VOXEL

Tensors = dict[str, Tensor]


def normalised(image: Tensor) -> Tensor:
    """(n, 1, y, x) float32 in units of the mean of what is brighter than the image's mean."""
    image = image.double()
    middle = image.mean(dim=(1, 2), keepdim=True)
    bright = image > middle
    scale = (image * bright).sum(dim=(1, 2), keepdim=True) / bright.sum(dim=(1, 2), keepdim=True).clamp_min(1)
    return (image / scale.clamp_min(1e-6))[:, None].float()


class SliceCodec(nn.Module):
    """Codec of slices; nothing is fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`mri` (n, 1, y, x) of order one; `tissue` (n, y, x) int64."""
        encoded: Tensors = {}
        if "mri" in physical:
            encoded["mri"] = normalised(physical["mri"])
        if "tissue" in physical:
            encoded["tissue"] = physical["tissue"].long()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Labels, and the volumes that they count."""
        tissue = encoded["tissue"]
        counted = {
            name: (tissue == TISSUES.index(kind)).sum(dim=(1, 2)).double() * VOXEL for kind, name in VOLUMES.items()
        }
        return {"tissue": tissue, **counted}
