"""Train the network of surrogates.measuring.picture_features on a folder of CIFAR-10's classes; two CPU-minutes.

python scripts/train_picture_features.py FOLDER, whose ten sub-folders hold 32-pixel pictures; every tenth is held out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from surrogates.io.pictures import pictures_in, read_picture
from surrogates.measuring.picture_features import CLASSES, FEATURES, WEIGHTS, feature_network

EPOCHS, BATCH, RATE = 6, 64, 2e-3


def read(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n, 3, 32, 32) in [-1, 1] and their classes."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    pictures, labels = [], []
    for label, name in enumerate(classes):
        for path in pictures_in(folder / name):
            pictures.append(read_picture(path)[..., :3])
            labels.append(label)
    return 2.0 * torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) - 1.0, torch.tensor(labels)


def main(folder: Path) -> None:
    """Train, say how many of the held-out pictures are told rightly, and write the weights."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pictures, labels = read(folder)
    held = torch.arange(len(labels)) % 10 == 0
    own, wanted = pictures[~held], labels[~held]
    network, head = feature_network(), nn.Linear(FEATURES, CLASSES)
    both = nn.ModuleList((network, head))
    updates = EPOCHS * (len(own) // BATCH)
    optimiser = torch.optim.AdamW(both.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=updates)

    def scores(part: torch.Tensor) -> torch.Tensor:
        return head(network(part.contiguous(memory_format=torch.channels_last)).mean((2, 3)))

    for update in range(updates):
        if update % (len(own) // BATCH) == 0:
            order = torch.randperm(len(own))
        rows = order[update % (len(own) // BATCH) * BATCH :][:BATCH]
        part = own[rows]
        part = torch.where(torch.rand(len(part), 1, 1, 1) < 0.5, part.flip(3), part)
        shift = torch.randint(-3, 4, (2,)).tolist()
        loss = nn.functional.cross_entropy(scores(part.roll(shift, (2, 3))), wanted[rows], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if update % 200 == 0:
            print(f"{update} of {updates}: {float(loss):.3f}", flush=True)
    with torch.no_grad():
        right = (scores(pictures[held]).argmax(1) == labels[held]).float().mean()
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, WEIGHTS)
    print(f"{WEIGHTS.name}: {float(right):.1%} of {int(held.sum())} held-out pictures told rightly")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
