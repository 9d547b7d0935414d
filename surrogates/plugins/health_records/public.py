"""What no patient's data touch, for learning in private: levels from a clinical table, and a simulator's lessons.

Each sign has a low, a middle and a high value, about the first, fiftieth and ninety-ninth of a hundred readings in
intensive care in round numbers; levels lie between them as quantiles of a normal distribution of
two halves do, in the logarithm where a sign is skewed. A Glasgow coma scale has its thirteen whole values.

The round numbers were set by hand by authors who had seen summaries of the public challenge's stays, as the
simulator's were: for weights learned from those, that look is not counted by any accountant, and their card says so.
For a cohort of your own nothing here has touched it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import torch
from torch import Tensor

from ...contract.recipe import Batch
from .codec import CODED, SYSTOLIC, RecordCodec
from .levels import KNOTS, LEVELS, level_shares
from .network import RecordModel, learn
from .variables import BOUNDS, CONDITIONS, OUTPUTS

RANGES: dict[str, tuple[float, float, float, bool]] = {
    "height": (140.0, 170.0, 198.0, False),
    "body_weight": (40.0, 78.0, 160.0, True),
    "mean_arterial_pressure": (50.0, 80.0, 125.0, True),
    "systolic_arterial_pressure": (10.0, 38.0, 85.0, False),  # above the mean one
    "noninvasive_systolic_pressure": (75.0, 117.0, 180.0, True),
    "heart_rate": (50.0, 85.0, 135.0, False),
    "temperature": (34.5, 37.0, 39.2, False),
    "respiratory_rate": (10.0, 19.0, 35.0, False),
    "urine_output": (5.0, 200.0, 1500.0, True),
    "glucose": (60.0, 125.0, 370.0, True),
    "potassium": (2.9, 4.1, 6.2, True),
    "sodium": (125.0, 139.0, 154.0, False),
    "creatinine": (0.3, 1.0, 9.0, True),
    "blood_urea_nitrogen": (4.0, 20.0, 115.0, True),
    "haematocrit": (20.0, 30.0, 45.0, False),
    "white_cells": (2.0, 11.5, 38.0, True),
    "platelets": (25.0, 175.0, 580.0, True),
}
"""Low, middle and high of a hundred readings, and whether the sign is skewed."""

SIMULATED, UPDATES, BATCH, PUBLIC_SEED = 12_000, 700, 128, 3
"""Stays, updates and their size, and the seed, of what is learned in public."""

COMA = "glasgow_coma_scale"


class PublicRecordCodec(RecordCodec):
    """A codec whose levels are the table's, whatever it is fitted to."""

    def fit(self, pools: Sequence[dict[str, Tensor]]) -> None:
        """Take the levels from the table; the pools are not looked at."""
        del pools
        for number, name in enumerate(CODED):
            edges = _whole_values() if name == COMA else _edges(name)
            self.used[number] = len(edges) - 1
            self.edges[number] = torch.inf
            self.edges[number, : len(edges) - 1] = edges[:-1]
            share = torch.linspace(0.0, 1.0, KNOTS, dtype=torch.float64)
            for k in range(LEVELS):
                level = min(k, len(edges) - 2)
                low, high = edges[level], edges[level + 1]
                self.knots[number, k] = low + share * (high - low)
                if name == COMA:  # mostly the whole value itself, less often a mean between two
                    self.knots[number, k, 2:-2] = (0.5 * (low + high)).round()
            self.knots[number].clamp_(*(BOUNDS[name] if name != SYSTOLIC else (0.0, 300.0)))


def _whole_values() -> Tensor:
    return torch.arange(2.5, 16.0, 1.0, dtype=torch.float64)


def _edges(name: str) -> Tensor:
    low, middle, high, skewed = RANGES[name]
    normal = NormalDist()
    if skewed:
        low, middle, high = (float(torch.tensor(value, dtype=torch.float64).log()) for value in (low, middle, high))
    found = []
    for share in level_shares().clamp(3e-4, 1.0 - 3e-4).tolist():
        z = normal.inv_cdf(share) / normal.inv_cdf(0.99)
        found.append(middle + z * ((high - middle) if z > 0 else (middle - low)))
    edges = torch.tensor(found, dtype=torch.float64)
    edges = edges.exp() if skewed else edges
    least, most = (0.0, 300.0) if name == SYSTOLIC else BOUNDS[name]
    return edges.clamp(least, most).unique()


def begin_in_public(model: RecordModel) -> None:
    """Learn from the embedded simulator first, which costs no privacy: what is private only corrects it."""
    from ...noise import Noise
    from .recipes import truth

    names = (*CONDITIONS.names, *OUTPUTS.names)
    stays = truth(SIMULATED, PUBLIC_SEED)
    codec = PublicRecordCodec()
    codec.fit([])
    encoded = codec.encode({name: torch.from_numpy(stays[name].values) for name in names})
    generator = torch.Generator().manual_seed(PUBLIC_SEED)
    optimiser = torch.optim.AdamW(model.network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, UPDATES, 1e-4)
    for step in range(UPDATES):
        rows = torch.randint(0, SIMULATED, (BATCH,), generator=generator)
        batch = {name: tensor[rows] for name, tensor in encoded.items()}
        loss = sum(part.mean() for _, part in learn(model, Batch(batch, batch, Noise(PUBLIC_SEED, rows), step)))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(model.network.parameters(), 20.0)
        optimiser.step()
        schedule.step()
    optimiser.zero_grad()
