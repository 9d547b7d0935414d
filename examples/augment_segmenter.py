"""Does a segmenter of lung lesions gain from generated slices? Train it on 10, 50 and 200, with and without them.

The real slices here are the simulator's, of chests that the generator never saw, as are those the segmenter is tested
on. Four ways compete at equal training steps: the real slices alone; mirrored, brighter or darker; beside slices
of further masks from the generator (a torch Dataset), half of each batch; and beside their own masks drawn anew (a
transform of items, dictionary to dictionary as MONAI's).

    python examples/augment_segmenter.py
    python examples/augment_segmenter.py --sizes 10 50 --repeats 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset, WeightedRandomSampler

import surrogates
from surrogates.counting import counted
from surrogates.networks.image_translation import UNet
from surrogates.physics.medical import thorax
from surrogates.sampling.augmentation import Rows
from surrogates.sampling.request import condition_dataset
from surrogates.sampling.torch_data import Drawn, SampleDataset

CHUNK = 10
LEVEL, WIDTH = -400.0, 700.0
"""Hounsfield units that networks see as 0, and as the step from 0 to 1."""

Item = dict[str, Tensor]


def slices(count: int, first: int, seed: int):
    """The simulator's slices of chests of the test part from the place `first` on."""
    import xarray as xr

    reference = surrogates.reference("lung-ct")
    parts = range(0, count, CHUNK)
    drawn = [
        reference.sample(len(numbers), seed=seed + start, anatomy=numbers)
        for start in counted(parts, f"{count} slices of the simulator", len(parts))
        for numbers in (thorax.anatomies("test", min(CHUNK, count - start), first + start),)
    ]
    return xr.concat(drawn, dim="sample", combine_attrs="override", join="override")


class Changed(Dataset):
    """Items after a transform, which is called anew each time one is read."""

    def __init__(self, items: Dataset, transform: Callable[[Item], Item]) -> None:
        self.items, self.transform = items, transform

    def __len__(self) -> int:
        return len(self.items)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Item:
        return self.transform(self.items[index])


class Mirrored:
    """Left to right in half of the calls, and up to 10 % brighter or darker."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def __call__(self, item: Item) -> Item:
        turned = {name: value.flip(-1) if name != "ct" else value for name, value in item.items()}
        turned = {**turned, "ct": item["ct"].flip(-1)} if self.random.random() < 0.5 else dict(item)
        return {**turned, "ct": turned["ct"] * self.random.uniform(0.9, 1.1)}


def train(items: Dataset, weights: np.ndarray, steps: int, seed: int) -> torch.nn.Module:
    """A small U-net from a slice to the logit of a lesion in each pixel."""
    torch.manual_seed(seed)
    network = UNet(1, 1, width=16, levels=3, patch=4)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    picks = WeightedRandomSampler(weights.tolist(), 8 * steps, generator=torch.Generator().manual_seed(seed))
    for batch in DataLoader(items, batch_size=8, sampler=picks):
        image, lesion = seen(batch["ct"]), (batch["lesion_mask"] == 1).float()[:, None]
        logits = network(image)
        chance = torch.sigmoid(logits)
        overlap = 1 - (2 * (chance * lesion).sum() + 1) / (chance.sum() + lesion.sum() + 1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, lesion) + overlap
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


def seen(image: Tensor) -> Tensor:
    """Slices (n, y, x) as a network takes them, (n, 1, y, x) of order one."""
    return ((image.float() - LEVEL) / WIDTH)[:, None]


def dice(network: torch.nn.Module, test) -> np.ndarray:
    """Dice coefficient of the lesions of each test slice that has any."""
    with torch.no_grad():
        found = (network(seen(torch.from_numpy(test["ct"].values)))[:, 0] > 0).numpy()
    true = test["lesion_mask"].values == 1
    with_lesions = true.any(axis=(1, 2))
    both, sizes = (found & true).sum(axis=(1, 2)), found.sum(axis=(1, 2)) + true.sum(axis=(1, 2))
    return (2 * both / np.maximum(sizes, 1))[with_lesions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 200], help="real slices to learn from")
    parser.add_argument("--generated", type=int, default=200, help="generated slices")
    parser.add_argument("--test", type=int, default=60, help="test slices")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each kind, each on slices of its own")
    given = parser.parse_args()
    torch.set_num_threads(1)
    surrogate: Any = surrogates.load("lung-ct")
    names = ("body_mask", "lesion_mask", "lesion_type", "ct")
    most = max(given.sizes)
    real, test = slices(most, 0, seed=1), slices(given.test, most, seed=1_000)
    masks = condition_dataset(
        surrogate.conditions, n=given.generated, anatomy=thorax.anatomies("test", given.generated, most + given.test)
    )
    fresh = SampleDataset(surrogate, masks, seed=3, variables=names, block=32)
    kept = [fresh[place] for place in range(len(fresh))]  # drawn once for all trainings
    print(f"{'real slices':>12}  {'learned from':24}{'Dice':>7}   gain over real slices alone, 95 %")
    student = stats.t.ppf(0.975, max(given.repeats - 1, 1))
    for size in given.sizes:
        scores: dict[str, list[np.ndarray]] = {}
        for seed in range(given.repeats):
            rows = np.sort(np.random.default_rng([seed, 6]).permutation(most)[:size])
            items: Dataset = Rows(real.isel(sample=rows), names)
            redraw = Drawn(surrogate, share=1.0, seed=seed)
            again = [redraw(items[place % size]) for place in range(given.generated)]
            ways = {
                "real alone": items,
                "mirrored": Changed(items, Mirrored(seed)),
                "with generated slices": ConcatDataset((items, kept)),  # type: ignore[list-item]
                "redrawn from real masks": ConcatDataset((items, again)),  # type: ignore[list-item]
                "real alone, other start": items,
            }
            for way, data in ways.items():
                weights = np.ones(len(data))  # type: ignore[arg-type]
                weights[size:] = size / given.generated  # half of each batch
                start = seed + given.repeats * (way == "real alone, other start")
                scores.setdefault(way, []).append(dice(train(data, weights, given.steps, start), test))
        base = np.stack(scores["real alone"])
        for way, found in scores.items():
            apart = np.stack(found) - base
            of_seed, of_slice = apart.mean(axis=1), apart.mean(axis=0)
            variance = of_seed.var(ddof=1) / len(of_seed) if len(of_seed) > 1 else float("nan")
            error = student * np.sqrt(variance + of_slice.var() / len(of_slice))
            gain = "" if way == "real alone" else f"{of_seed.mean():+.3f} ± {error:.3f}"
            print(f"{size:12}  {way:24}{np.mean(found):7.3f}   {gain}", flush=True)


if __name__ == "__main__":
    main()
