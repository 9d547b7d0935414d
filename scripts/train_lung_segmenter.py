"""Train the network that segments lung-ct's slices, on simulated slices: python scripts/train_lung_segmenter.py FOLDER.

The folder keeps the simulated slices; that of a training run serves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from surrogates.models.translation import soft_dice
from surrogates.plugins.lung_ct.recipes import data
from surrogates.plugins.lung_ct.segmenter import WEIGHTS, encoded, network

STEPS, BATCH = 500, 8


def main(folder: Path) -> None:
    """Train and write."""
    torch.manual_seed(7)
    (slices,) = data(folder)
    images = encoded(slices["ct"].values)
    labels = torch.from_numpy(np.where(slices["lesion_mask"].values == 1, 3, slices["body_mask"].values)).long()
    made = network()
    optimiser = torch.optim.AdamW(made.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=STEPS)
    order = np.random.default_rng(7)
    for step in range(STEPS):
        rows = torch.from_numpy(order.integers(0, len(images), BATCH))
        noisy = images[rows] + 0.02 * torch.randn(BATCH, 1, 1, 1)
        found = made(noisy)
        loss = functional.cross_entropy(found, labels[rows]) + soft_dice(found, labels[rows]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(step, float(loss.detach()), flush=True)
    save_file({name: tensor.half().contiguous() for name, tensor in made.state_dict().items()}, WEIGHTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
