"""Two-sample classifier on pixels: a small convolutional network tells samples' images from the truth's."""

from __future__ import annotations

from typing import Any

import numpy as np

from .classifiers import Separation, area_under_curve, auc_error, dealt_folds


def image_network(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    seed: int = 0,
    *,
    width: int = 16,
    epochs: int = 10,
    batch: int = 32,
    threads: int = 1,
) -> Separation:
    """AUC of a convolutional network on images and what was asked of them.

    Parameters
    ----------
    first, second : (array, array)
        Images (n, channel, y, x) of order one, and conditions (n, k); NaN conditions count as their mean.
    width, epochs, batch : int
        Size of the network and of its training; the epoch with the least validation loss is kept.

    Returns
    -------
    Separation
        On the quarter of the rows that training and the choice of epoch did not see.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _image_network(torch, first, second, seed, width, epochs, batch)
    finally:
        torch.set_num_threads(before)


def _image_network(torch: Any, first: Any, second: Any, seed: int, width: int, epochs: int, batch: int) -> Separation:
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(np.concatenate([first[0], second[0]]).astype(np.float32))
    asked = np.concatenate([first[1], second[1]]).astype(np.float32)
    mean, spread = np.nanmean(asked, axis=0), np.nanstd(asked, axis=0)
    asked = torch.from_numpy(np.nan_to_num((asked - mean) / np.where(spread > 0, spread, 1.0)))
    labels = torch.cat([torch.ones(len(first[0])), torch.zeros(len(second[0]))])
    fold = torch.from_numpy(dealt_folds(len(first[0]), len(second[0]), 4, seed))
    training, validation, test = ((fold < 2).nonzero()[:, 0], (fold == 2).nonzero()[:, 0], (fold == 3).nonzero()[:, 0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = pooled_convolutions(images.shape[1], width, conditions=asked.shape[1])

    def score(index: Any) -> Any:
        with torch.no_grad():
            return torch.cat([network(images[part], asked[part])[:, 0] for part in index.split(512)])

    loss = torch.nn.BCEWithLogitsLoss()
    steps = epochs * -(-len(training) // batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=max(steps, 2))
    best, kept = float("inf"), None
    for _ in range(epochs):
        order = training[torch.randperm(len(training), generator=generator)]
        for part in order.split(batch):
            optimiser.zero_grad(set_to_none=True)
            loss(network(images[part], asked[part])[:, 0], labels[part]).backward()
            optimiser.step()
            schedule.step()
        held = float(loss(score(validation), labels[validation]))
        if held < best:
            best, kept = held, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if kept is not None:
        network.load_state_dict(kept)
    auc = area_under_curve(score(test).numpy(), labels[test].numpy())
    positive = int(labels[test].sum())
    return Separation(auc, auc_error(auc, positive, len(test) - positive))


def pooled_convolutions(channels: int, width: int, *, conditions: int = 0, logits: int = 1) -> Any:
    """A network from images (n, channels, y, x), and conditions (n, k), to logits (n, `logits`).

    Strided convolutions, means and maxima over the image, and the conditions. Nothing is normalised, as that would hide
    an image's brightness.
    """
    import torch
    from torch import nn

    class ImageClassifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers, inputs = [], channels
            for outputs, kernel in ((width, 5), (2 * width, 3), (4 * width, 3)):
                layers += [nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2), nn.SiLU()]
                inputs = outputs
            self.image = nn.Sequential(*layers)
            self.verdict = nn.Sequential(
                nn.Linear(2 * inputs + conditions, 4 * width),
                nn.SiLU(),
                nn.Linear(4 * width, 4 * width),
                nn.SiLU(),
                nn.Linear(4 * width, logits),
            )

        def forward(self, image: Any, asked: Any = None) -> Any:
            found = self.image(image)
            pooled = [found.mean(dim=(2, 3)), found.amax(dim=(2, 3)), *([] if asked is None else [asked])]
            return self.verdict(torch.cat(pooled, dim=-1))

    return ImageClassifier()
