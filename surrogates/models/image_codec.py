"""Square images in [0, 1] as networks see them, in [-1, 1], and a category as a one-hot vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

Tensors = dict[str, Tensor]


class ImageCodec(nn.Module):
    """Codec of `image`, (n, y, x) in grey or (n, y, x, 3) in colour, and of `category`.

    Parameters
    ----------
    categories, size : int
        Number of categories, and pixels on a side, until it is fitted.
    channels : int
        1 or 3.

    Attributes
    ----------
    shape : Tensor
        (2,) int64: number of categories, and pixels on a side.
    """

    shape: Tensor

    def __init__(self, categories: int, size: int, *, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("shape", torch.tensor([categories, size]))

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
        self.shape = torch.tensor([most + 1, int(pools[0]["image"].shape[2])])

    def encode(self, physical: Tensors) -> Tensors:
        """`label` (n, categories) float32 and `category` (n,) int64; `image` (n, channels, size, size) in [-1, 1]."""
        encoded = {}
        if "category" in physical:
            codes = physical["category"].long()
            encoded = {"category": codes, "label": functional.one_hot(codes, self.categories).float()}
        if "image" in physical:
            image = physical["image"]
            planes = image[:, None] if self.channels == 1 else image.permute(0, 3, 1, 2)
            encoded["image"] = (2.0 * planes - 1.0).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Values, cut off at 0 and 1."""
        planes = encoded["image"].double()
        image = planes[:, 0] if self.channels == 1 else planes.permute(0, 2, 3, 1)
        return {"image": (0.5 * (image + 1.0)).clamp(0.0, 1.0)}
