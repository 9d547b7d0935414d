"""Likelihood ratios of truth to generated samples, learned by a calibrated classifier.

A classifier that minimises cross-entropy between as many samples of p as of q estimates p / (p + q), so that its odds
are the ratio p / q (Cranmer, Pavez, Louppe 2015, arXiv:1506.02169, section 3; as weights of generated events:
Diefenbacher et al. 2020, arXiv:2009.03796). It is a ratio in the features that the classifier sees, and holds as far as
both sides overlap in them: where the generator never goes no weight brings anything back.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

KNOTS, BINS = 33, 40
"""Quantiles that a feature is made even by, and bins of equal counts that odds are calibrated in."""

REACH = 4.0
"""Features lie within so many standard deviations once they are even."""

CLIP = 0.999
"""Quantile of the weights at which they are clipped."""


@dataclass(frozen=True)
class Learning:
    """How the classifier is trained.

    Attributes
    ----------
    epochs, patience : int
        At most, and without a gain on the tenth of the rows that chooses the epoch.
    rate, decay : float
    batch : int
    """

    epochs: int = 40
    patience: int = 5
    rate: float = 2e-3
    decay: float = 1e-2
    batch: int = 512


class LikelihoodRatio(nn.Module):
    """Weights of generated samples by their features, (n, features); NaN is a value of its own.

    Parameters
    ----------
    features : int
    width : int
        Of two hidden layers.
    """

    knots: Tensor
    scores: Tensor
    odds: Tensor
    cap: Tensor
    mean: Tensor

    def __init__(self, features: int, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("knots", torch.zeros(features, KNOTS, dtype=torch.float64))
        self.register_buffer("scores", torch.linspace(-1.0, 1.0, BINS, dtype=torch.float64))
        self.register_buffer("odds", torch.linspace(-1.0, 1.0, BINS, dtype=torch.float64))
        self.register_buffer("cap", torch.tensor(np.inf, dtype=torch.float64))
        self.register_buffer("mean", torch.tensor(1.0, dtype=torch.float64))
        self.layers = nn.ModuleList((nn.Linear(2 * features, width), nn.Linear(width, width), nn.Linear(width, 1)))

    def even(self, features: np.ndarray) -> np.ndarray:
        """(n, 2 features): normal scores by the knots, and marks of what is missing."""
        levels = torch.special.ndtri((torch.arange(KNOTS, dtype=torch.float64) + 0.5) / KNOTS).numpy()
        missing = ~np.isfinite(features)
        made = np.zeros((len(features), 2 * features.shape[1]))
        for column, knots in enumerate(self.knots.numpy()):
            values = np.where(missing[:, column], knots[KNOTS // 2], features[:, column])
            spread = max(float(knots[-1] - knots[0]), 1e-12)
            beyond = (np.minimum(values - knots[0], 0.0) + np.maximum(values - knots[-1], 0.0)) / spread
            steps = knots + spread * 1e-9 * np.arange(KNOTS)  # equal knots, as of whole numbers, keep an order
            made[:, column] = np.clip(np.interp(values, steps, levels) + beyond, -REACH, REACH)
        made[:, features.shape[1] :] = missing
        return made

    def score(self, features: np.ndarray) -> np.ndarray:
        """The classifier's log odds (n,) before calibration; a row's does not depend on the others'."""
        hidden = self.even(np.asarray(features, dtype=np.float64))
        for number, layer in enumerate(self.layers):
            weight, bias = (parameter.detach().double().numpy() for parameter in layer.parameters())
            hidden = np.einsum("nk,hk->nh", hidden, weight) + bias  # no matrix kernel, whose bits hang on the batch
            hidden = hidden if number == len(self.layers) - 1 else hidden / (1.0 + np.exp(-hidden))
        return hidden[:, 0]

    def weights(self, features: np.ndarray) -> np.ndarray:
        """Clipped weights (n,) float64, of mean 1 over what was drawn for calibration."""
        odds = np.interp(self.score(features), self.scores.numpy(), self.odds.numpy())
        return np.minimum(np.exp(odds), float(self.cap)) / float(self.mean)

    def fit(self, generated: np.ndarray, truth: np.ndarray, *, seed: int = 0, learning: Learning | None = None) -> None:
        """Train the classifier on features (n, k) and (m, k)."""
        how = learning or Learning()
        pooled = np.concatenate([generated, truth])
        for column in range(pooled.shape[1]):
            known = pooled[np.isfinite(pooled[:, column]), column]
            shares = (np.arange(KNOTS) + 0.5) / KNOTS
            self.knots[column] = torch.from_numpy(np.quantile(known, shares) if len(known) else np.zeros(KNOTS))
        inputs = torch.from_numpy(self.even(pooled)).float()
        labels = torch.cat((torch.zeros(len(generated)), torch.ones(len(truth))))
        each = torch.where(labels == 1, len(pooled) / (2 * len(truth)), len(pooled) / (2 * len(generated)))
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(pooled), generator=generator)
        choosing, training = order[: len(pooled) // 10], order[len(pooled) // 10 :]
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            for layer in self.layers:
                layer.reset_parameters()  # type: ignore[operator]
            optimiser = torch.optim.AdamW(self.layers.parameters(), lr=how.rate, weight_decay=how.decay)
            best, kept, since = float("inf"), copy.deepcopy(self.layers.state_dict()), 0
            for _ in range(how.epochs):
                for rows in training[torch.randperm(len(training), generator=generator)].split(how.batch):
                    optimiser.zero_grad(set_to_none=True)
                    _loss(self._logits(inputs[rows]), labels[rows], each[rows]).backward()
                    optimiser.step()
                with torch.no_grad():
                    loss = float(_loss(self._logits(inputs[choosing]), labels[choosing], each[choosing]))
                since = 0 if loss < best else since + 1
                if loss < best:
                    best, kept = loss, copy.deepcopy(self.layers.state_dict())
                if since >= how.patience:
                    break
            self.layers.load_state_dict(kept)
        self.requires_grad_(False)

    def _logits(self, inputs: Tensor) -> Tensor:
        hidden = inputs
        for layer in self.layers[:-1]:
            hidden = functional.silu(layer(hidden))
        return self.layers[-1](hidden)[:, 0]

    def calibrate(self, generated: np.ndarray, truth: np.ndarray, *, clip: float = CLIP) -> None:
        """Turn scores into odds, clip and centre the weights, by samples that training did not see.

        Odds are counted in bins of equal numbers of samples and made to rise with the score by pooling neighbours that
        do not (Ayer et al. 1955, Ann. Math. Statist. 26, 641).
        """
        scores = np.concatenate([self.score(generated), self.score(truth)])
        true = np.concatenate([np.zeros(len(generated)), np.ones(len(truth))])
        true_share = len(truth) / len(scores)
        parts = np.array_split(np.argsort(scores, kind="stable"), BINS)
        counts = np.array([[len(part) - true[part].sum(), true[part].sum()] for part in parts])
        pooled: list[tuple[np.ndarray, int]] = []
        for count in counts:
            pooled.append((count, 1))
            while len(pooled) > 1 and _share(pooled[-2][0]) > _share(pooled[-1][0]):
                (after, many), (before, few) = pooled.pop(), pooled.pop()
                pooled.append((before + after, few + many))
        rising = np.concatenate([np.full(many, _share(count)) for count, many in pooled])
        middle = np.array([scores[part].mean() for part in parts])
        self.scores.copy_(torch.from_numpy(np.maximum.accumulate(middle + 1e-12 * np.arange(BINS))))
        self.odds.copy_(torch.from_numpy(np.log(rising / (1.0 - rising)) - np.log(true_share / (1.0 - true_share))))
        self.cap.fill_(np.inf)
        self.mean.fill_(1.0)
        raw = self.weights(generated)
        self.cap.fill_(float(np.quantile(raw, clip)))
        self.mean.fill_(float(self.weights(generated).mean()))

    def gain(self, generated: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
        """Cross-entropy below that of knowing nothing, bits a sample, and its standard error."""
        sides = []
        for features, sign in ((generated, -1.0), (truth, 1.0)):
            odds = np.interp(self.score(features), self.scores.numpy(), self.odds.numpy())
            sides.append(1.0 - np.logaddexp(0.0, -sign * odds) / np.log(2.0))
        value = float(np.mean([side.mean() for side in sides]))
        return value, 0.5 * float(np.sqrt(sum(side.var() / len(side) for side in sides)))


def effective_share(weights: np.ndarray) -> float:
    """Effective sample size over the number of samples, (sum w)² / (n sum w²) (Kish 1965, Survey Sampling)."""
    return float(weights.sum() ** 2 / (len(weights) * np.square(weights).sum()))


def _loss(logits: Tensor, labels: Tensor, each: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels, weight=each)


def _share(count: np.ndarray) -> float:
    return float((count[1] + 0.5) / (count.sum() + 1.0))
