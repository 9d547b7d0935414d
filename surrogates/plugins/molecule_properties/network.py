"""The network: a gated recurrent network reads the tokens from both ends and gives each property a value and a scale.

Residuals are taken as Laplace-distributed with the predicted scale (the heteroscedastic loss of Kendall, Gal 2017,
arXiv:1703.04977, eq. 5, with absolute residuals), for the simulated gap has long tails: conformers differ, and
zwitterions relax. Intervals come from those scales by conformal calibration on molecules that training never saw.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.recipe import Batch
from ...models.conformal import ConformalFactors, Scores
from ...networks.recurrent import SequenceReader
from ...noise import Noise
from ...physics.molecules.vocabulary import VOCABULARY
from .variables import COVERAGE, LEARNED, SIMULATED

Tensors = dict[str, Tensor]

WEIGHTS = {"gap": 2.0, "dipole": 1.0}
"""Shares of the properties in the loss; those of the others are `OTHER`."""
OTHER = 0.5
SMALLEST, LARGEST = -6.0, 3.0
"""Bounds of the logarithm of a scale, in units of a property's spread."""


class Regression(nn.Module):
    """Values, logarithms of scales and the logit of a failure of the simulation.

    Parameters
    ----------
    width, layers : int
        Of the recurrent network in each direction.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.reader = SequenceReader(len(VOCABULARY) + 2, width=width, layers=layers)
        self.head = nn.Sequential(
            nn.Linear(self.reader.size, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * len(LEARNED) + 1)
        )

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Values and logarithms of scales (n, learned) in spreads, logits (n,), of tokens (n, m)."""
        found = self.head(self.reader(tokens))
        mean, scale = found[:, : len(LEARNED)], found[:, len(LEARNED) : -1]
        return mean, scale.clamp(SMALLEST, LARGEST), found[:, -1]


class PropertyModel(nn.Module):
    """Properties of molecules with intervals.

    Parameters
    ----------
    width, layers : int
        Of the recurrent network in each direction.
    calibration : int
        Molecules that the intervals are calibrated on.
    """

    ships: tuple[str, ...] = ("network", "intervals")

    def __init__(self, width: int, layers: int, calibration: int) -> None:
        super().__init__()
        self.network = Regression(width, layers)
        self.intervals = ConformalFactors(len(SIMULATED), COVERAGE)
        self.scores = Scores(calibration, len(SIMULATED))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Predict; nothing is drawn."""
        del noise
        mean, scale, failed = self.network(conditions["tokens"])
        half_width = self.intervals(scale[:, : len(SIMULATED)].exp())
        return {
            "mean": mean,
            "half_width": half_width,
            "failed": failed,
            "status": conditions["status"],
            "exact": conditions["exact"],
            "described": conditions["described"],
            "stereochemistry": conditions["stereochemistry"],
        }


def learn(model: PropertyModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the labels that a molecule has, and of whether its simulation failed."""
    targets, failed = batch.encoded["0/targets"], batch.encoded["0/failed"]
    mean, scale, logit = model.network(batch.conditions["0/tokens"])
    known = ~targets.isnan()
    residual = (torch.where(known, targets, mean) - mean).abs()
    share = torch.tensor([WEIGHTS.get(name, OTHER) for name in LEARNED], device=mean.device)
    loss = (torch.where(known, scale + residual * torch.exp(-scale), 0.0) * share).sum(-1) / share.sum()
    batch.notes["gap_error"] = residual[:, 0].detach().sum() / known[:, 0].sum().clamp(min=1)
    yield "network", loss + 0.1 * functional.binary_cross_entropy_with_logits(logit, failed, reduction="none")


def calibrate(model: PropertyModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Score a batch of calibration molecules, and take the factors of all scores so far; nothing is learned."""
    with torch.no_grad():
        mean, scale, _ = model.network(batch.conditions["1/tokens"])
        targets = batch.encoded["1/targets"]
        scores = ((targets - mean).abs() * torch.exp(-scale))[:, : len(SIMULATED)]
        model.intervals.calibrate(model.scores.keep(batch.step, scores))
    yield from ()
