"""The loss that style transfer makes small: content and style in the features of a classifier trained here."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...measuring.picture_features import trained_network
from ...models.style import StyleLoss, Weights
from ...physics.images.drawn_styles import NAMES, drawn
from ...physics.images.photographs import photographs

WEIGHTS = Weights(content=0.5, style=1.0, colour=5.0, roughness=1.0)
"""Of the loss."""

_HALVED = (2, 5)
"""Layers before which maps are halved: by means in place of maxima and of strides, which leave gradients smooth."""


def activations(pictures: Tensor) -> list[Tensor]:
    """Maps of the four layers of `surrogates.measuring.picture_features`, at 1, 1/2, 1/4 and 1/4 of the size."""
    network = trained_network()
    maps, found = 2.0 * pictures - 1.0, []
    for number, layer in enumerate(network):
        if isinstance(layer, torch.nn.Conv2d):
            before = (layer.kernel_size[0] - 1) // 2
            after = layer.kernel_size[0] - 1 - before
            maps = functional.avg_pool2d(maps, 2) if number in _HALVED else maps
            padded = functional.pad(maps, (before, after, before, after), mode="reflect")
            maps = functional.relu(functional.conv2d(padded, layer.weight, layer.bias))
            found.append(maps)
    return found


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
