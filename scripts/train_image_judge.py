"""Train the network that judges medical images: scripts/train_image_judge.py FOLDER (MedNIST's class folders)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from surrogates.io.image_folders import read_classes
from surrogates.plugins.medical_images.judge import WEIGHTS, ImageJudge
from surrogates.plugins.medical_images.library import split
from surrogates.plugins.medical_images.variables import SIZE

STEPS, BATCH = 500, 32


def damaged(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, y, x), half of them damaged in each of three ways, and the strengths (n, 3) in [0, 1]."""
    strength = torch.rand(len(images), 3) * (torch.rand(len(images), 3) < 0.5)
    blur, noise, contrast = (strength[:, k, None, None, None] for k in range(3))
    smooth = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.lerp(images, smooth, blur)
    images = images + 0.05 * noise * torch.randn_like(images)
    images = images + 0.3 * contrast * (images.square() - images)
    return images.clamp(0.0, 1.0), strength


def main(folder: Path) -> None:
    """Train and write."""
    torch.manual_seed(5)
    training = split(read_classes(folder, SIZE)[0], held_out=False)
    images, codes = torch.from_numpy(training.images)[:, None], torch.from_numpy(training.codes)
    network = ImageJudge()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=STEPS)
    order = np.random.default_rng(5)
    for step in range(STEPS):
        rows = torch.from_numpy(order.integers(0, len(images), BATCH))
        seen, strength = damaged(images[rows])
        category, damage = network(seen)
        loss = functional.cross_entropy(category, codes[rows]) + 4.0 * functional.mse_loss(damage, strength)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            right = (category.argmax(dim=1) == codes[rows]).float().mean()
            print(
                step,
                float(loss.detach()),
                float(right),
                float(functional.mse_loss(damage.detach(), strength)),
                flush=True,
            )
    save_file({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, WEIGHTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
