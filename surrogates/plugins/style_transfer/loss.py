"""The loss that style transfer makes small: content and style in the features of a classifier trained here."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...measuring.picture_features import activations
from ...models.style import StyleLoss, Weights
from ...physics.images.drawn_styles import NAMES, drawn
from ...physics.images.photographs import photographs

WEIGHTS = Weights(content=0.5, style=1.0, colour=5.0, roughness=1.0)
"""Of the loss."""


def tensors(pictures: list[np.ndarray]) -> Tensor:
    """(n, 3, y, x) float32 of pictures (y, x, 3)."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().contiguous()


def every_style() -> list[np.ndarray]:
    """The pictures of all styles."""
    return [drawn(name) for name in NAMES]


@cache
def style_loss() -> StyleLoss:
    """The loss of all styles."""
    own = tensors([picture / np.float32(255) for picture in photographs().values()])
    return StyleLoss(activations, tensors(every_style()), own, WEIGHTS)
