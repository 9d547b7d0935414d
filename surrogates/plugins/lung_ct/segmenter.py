"""A small network that reads lungs and lesions off a CT slice: trained on the simulator's slices alone, and packaged.

What judges whether a surrogate's slice shows the lesions that were asked. Made by scripts/train_lung_segmenter.py.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...networks.image_translation import UNet
from .codec import MIDDLE, WIDTH

WEIGHTS = Path(__file__).with_name("data") / "segmenter.safetensors"
CLASSES = 4
"""Air, body, lung, lesion."""


def network() -> UNet:
    """Not yet trained."""
    return UNet(1, CLASSES, width=8, levels=4, patch=2)


def encoded(images: np.ndarray) -> Tensor:
    """(n, 1, y, x) of Hounsfield units (n, y, x)."""
    return torch.from_numpy((np.asarray(images, dtype=np.float32)[:, None] - MIDDLE) / WIDTH)


@cache
def _trained() -> UNet:
    from safetensors.torch import load_file

    made = network()
    made.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return made.eval().requires_grad_(False)


def segmented(images: np.ndarray) -> np.ndarray:
    """Labels (n, y, x) int8 of Hounsfield units (n, y, x): 0 air, 1 body, 2 lung, 3 lesion."""
    found = [np.zeros((0, *images.shape[1:]), np.int8)]
    with torch.no_grad():
        for part in encoded(images).split(16):
            found.append(_trained()(part).argmax(dim=1).to(torch.int8).numpy())
    return np.concatenate(found)
