"""A small network of features that judges images: trained on real training images alone, and packaged.

It learns the category and, so that it does not look past them, how strongly an image was blurred, made noisy or changed
in contrast. Its distances are no published score: do not compare them with those of other networks. Made by
scripts/train_image_judge.py.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .variables import CATEGORIES

WEIGHTS = Path(__file__).with_name("data") / "judge.safetensors"
FEATURES = 64
DAMAGES = 3


class ImageJudge(nn.Module):
    """Grey images (n, 1, y, x) in [0, 1] to 64 features, category logits and strengths of three kinds of damage."""

    def __init__(self, width: int = 24, categories: int = len(CATEGORIES)) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            (
                nn.Conv2d(1, width, 5, 2, 2),
                nn.Conv2d(width, 2 * width, 3, 2, 1),
                nn.Conv2d(2 * width, 4 * width, 3, 2, 1),
                nn.Conv2d(4 * width, 4 * width, 3, 1, 1),
            )
        )
        self.features = nn.Linear(8 * width, FEATURES)
        self.category = nn.Linear(FEATURES, categories)
        self.damage = nn.Linear(FEATURES, DAMAGES)

    def embed(self, images: Tensor) -> Tensor:
        """(n, 64) features."""
        hidden = images - 0.3
        for stage in self.stages:
            hidden = functional.silu(stage(hidden))
        return self.features(torch.cat((hidden.mean(dim=(2, 3)), hidden.amax(dim=(2, 3))), dim=1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, categories) and strengths (n, 3)."""
        hidden = functional.silu(self.embed(images))
        return self.category(hidden), self.damage(hidden)


@cache
def judge() -> ImageJudge:
    """The packaged network."""
    from safetensors.torch import load_file

    network = ImageJudge()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return network.eval().requires_grad_(False)


def judged(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 64) float64 and the likeliest category (n,) of images (n, y, x) in [0, 1]."""
    features, likeliest = [np.zeros((0, FEATURES))], [np.zeros(0, dtype=np.int64)]
    with torch.no_grad():
        for part in torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))[:, None].split(64):
            found = judge().embed(part)
            features.append(found.double().numpy())
            likeliest.append(judge().category(functional.silu(found)).argmax(dim=1).numpy())
    return np.concatenate(features), np.concatenate(likeliest)
