"""Grey images in [0, 1] as networks see them, in [-1, 1], and a category as a one-hot vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .variables import CATEGORIES, SIZE

Tensors = dict[str, Tensor]


class GreyCodec(nn.Module):
    """Codec of every recipe.

    Attributes
    ----------
    shape : Tensor
        (2,) int64: number of categories, and pixels on a side.
    """

    shape: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shape", torch.tensor([len(CATEGORIES), SIZE]))

    @property
    def categories(self) -> int:
        """How many there are."""
        return int(self.shape[0])

    @property
    def size(self) -> int:
        """Pixels on a side."""
        return int(self.shape[1])

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Count categories and pixels."""
        most = max(int(pool["category"].max()) for pool in pools)
        self.shape = torch.tensor([most + 1, int(pools[0]["image"].shape[-1])])

    def encode(self, physical: Tensors) -> Tensors:
        """`label` (n, categories) float32 and `category` (n,) int64; `image` (n, 1, size, size) in [-1, 1]."""
        encoded = {}
        if "category" in physical:
            codes = physical["category"].long()
            encoded = {"category": codes, "label": functional.one_hot(codes, self.categories).float()}
        if "image" in physical:
            encoded["image"] = (2.0 * physical["image"][:, None] - 1.0).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Grey values, cut off at 0 and 1."""
        return {"image": (0.5 * (encoded["image"][:, 0].double() + 1.0)).clamp(0.0, 1.0)}
