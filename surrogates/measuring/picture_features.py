"""Features of pictures for comparing sets of them: a small classifier trained here, and the Fréchet distance in them.

The network was trained to tell CIFAR-10's ten classes apart (scripts/train_picture_features.py) and is used for
measuring alone. A Fréchet distance in its features is called just that: it is not the FID, whose network is Inception
and whose numbers it does not compare with.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = Path(__file__).with_name("picture_features.safetensors")
CLASSES = 10
FEATURES = 64
"""Numbers that stand for a picture."""


def feature_network() -> nn.Sequential:
    """The untrained network: pictures (n, 3, y, x) about 0 -> maps (n, 64, y / 8, x / 8)."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 48, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(64, FEATURES, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
    )  # fmt: skip


@cache
def trained_network() -> nn.Sequential:
    """The trained network, shared and not to be changed; see `feature_network`."""
    from safetensors.torch import load_file

    network = feature_network()
    network.load_state_dict(load_file(WEIGHTS))
    return network.eval().requires_grad_(False)


_HALVED = (2, 5)
"""Layers before which `activations` halves maps: by means in place of maxima and strides, whose gradients are rough."""


def activations(pictures: Tensor) -> list[Tensor]:
    """Maps of the network's four layers, at 1, 1/2, 1/4 and 1/4 of the size, of pictures (n, 3, y, x) in [0, 1].

    What perceptual losses compare: differentiable, with reflected borders, for pictures of 16 pixels a side or more.
    """
    import torch
    from torch.nn import functional

    maps, found = 2.0 * pictures - 1.0, []
    for number, layer in enumerate(trained_network()):
        if isinstance(layer, torch.nn.Conv2d):
            before = (layer.kernel_size[0] - 1) // 2
            after = layer.kernel_size[0] - 1 - before
            maps = functional.avg_pool2d(maps, 2) if number in _HALVED else maps
            padded = functional.pad(maps, (before, after, before, after), mode="reflect")
            maps = functional.relu(functional.conv2d(padded, layer.weight.to(padded), layer.bias.to(padded)))  # type: ignore[union-attr]
            found.append(maps)
    return found


def feature_maps(pictures: np.ndarray, batch: int = 256) -> np.ndarray:
    """Features (n, 64, y / 8, x / 8) float32 of pictures (n, y, x, channel) in [0, 1], of 16 pixels a side or more."""
    import torch

    shown = np.asarray(pictures, dtype=np.float32)
    shown = shown[..., :3] if shown.shape[-1] > 2 else np.repeat(shown[..., :1], 3, axis=-1)
    network = trained_network()
    with torch.no_grad():
        parts = torch.from_numpy(np.ascontiguousarray(shown)).permute(0, 3, 1, 2).split(batch)
        found = [network(2.0 * part - 1.0) for part in parts if len(part)]
    return torch.cat(found).numpy() if found else np.zeros((0, FEATURES, 1, 1), dtype=np.float32)


def picture_features(pictures: np.ndarray) -> np.ndarray:
    """Means of `feature_maps` over each picture, (n, 64) float64."""
    return feature_maps(pictures).mean(axis=(2, 3), dtype=np.float64)
