"""Classifier two-sample tests (Lopez-Paz & Oquab 2017, arXiv:1610.06545): how well samples are told from the truth.

An area under the ROC curve (AUC) of 0.5 means that this classifier sees no difference; the floor is the same classifier
between two truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Separation:
    """Area under the ROC curve and its standard error."""

    auc: float
    error: float


def auc_error(auc: float, n_first: int, n_second: int) -> float:
    """Standard error of an AUC (Hanley & McNeil 1982, Radiology 143, 29)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (n_first - 1) * (q1 - auc**2) + (n_second - 1) * (q2 - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (n_first * n_second)))


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Probability that a sample of label 1 scores above one of label 0, ties counted half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]
    positive = labels == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def dealt_folds(n_first: int, n_second: int, folds: int, seed: int) -> np.ndarray:
    """Fold of each row of the two sides stacked; row i of both sides shares a fold, as it may share its conditions."""
    generator = np.random.default_rng([seed, 4])
    fold = generator.permutation(max(n_first, n_second)) % folds
    return np.concatenate([fold[:n_first], fold[:n_second]])


def boosting(
    first: np.ndarray, second: np.ndarray, *, seed: int = 0, folds: int = 2, iterations: int = 150, threads: int = 1
) -> Separation:
    """Cross-validated AUC of histogram gradient boosting between feature tables (n, k) and (m, k); NaN is a value."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    features = np.concatenate([first, second]).astype(np.float32)
    labels = np.concatenate([np.ones(len(first), dtype=np.int64), np.zeros(len(second), dtype=np.int64)])
    fold = dealt_folds(len(first), len(second), folds, seed)
    values = []
    with threadpool_limits(threads):
        for held in range(folds):
            classifier = HistGradientBoostingClassifier(
                max_iter=iterations,
                max_leaf_nodes=24,
                min_samples_leaf=50,
                early_stopping=True,  # pyright: ignore[reportArgumentType]
                n_iter_no_change=8,
                random_state=seed,
            )
            classifier.fit(features[fold != held], labels[fold != held])
            test = fold == held
            values.append(area_under_curve(classifier.predict_proba(features[test])[:, 1], labels[test]))
    auc = float(np.mean(values))
    return Separation(auc, auc_error(auc, len(first), len(second)))


def set_network(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    *,
    seed: int = 0,
    width: int = 64,
    epochs: int = 6,
    batch: int | None = None,
    threads: int = 1,
) -> Separation:
    """AUC of a permutation-invariant network on sets of elements.

    Parameters
    ----------
    first, second : (array, mask)
        Elements (n, m, k) and booleans (n, m) of the filled ones.
    width, epochs, batch : int
        Size of the network and of its training; the epoch with the least validation loss is kept. By default a batch is
        a hundredth of the training rows, but 64 to 512.

    Returns
    -------
    Separation
        On the quarter of the rows that training and the choice of epoch did not see.

    Notes
    -----
    Two rounds of element network and pooling, as in EPiC (Buhmann, Kasieczka & Thaler 2023, arXiv:2301.08128): each
    element sees the pooled set once before the final sum (Zaheer et al. 2017, arXiv:1703.06114).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _set_network(torch, first, second, seed, width, epochs, batch)
    finally:
        torch.set_num_threads(before)


def _set_network(
    torch: Any, first: Any, second: Any, seed: int, width: int, epochs: int, batch: int | None
) -> Separation:
    generator = torch.Generator().manual_seed(seed)
    slots = max(int(mask.any(0).nonzero()[0].max(initial=0)) + 1 for _, mask in (first, second))
    mask = np.concatenate([side[1][:, :slots] for side in (first, second)])
    values = np.concatenate([side[0][:, :slots] for side in (first, second)])[mask].astype(np.float32)
    spread = values.std(0)
    elements = torch.from_numpy((values - values.mean(0)) / np.where(spread > 0, spread, 1.0).astype(np.float32))
    counts = torch.from_numpy(mask.sum(1))
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    labels = torch.cat([torch.ones(len(first[1])), torch.zeros(len(second[1]))])
    fold = torch.from_numpy(dealt_folds(len(first[1]), len(second[1]), 4, seed))
    training, validation, test = ((fold < 2).nonzero()[:, 0], (fold == 2).nonzero()[:, 0], (fold == 3).nonzero()[:, 0])

    batch = batch or min(max(len(training) // 100, 64), 512)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(torch, elements.shape[1], width)

    def gather(index: Any) -> tuple[Any, Any, Any]:
        size = counts[index]
        owner = torch.repeat_interleave(torch.arange(len(index)), size)
        within = torch.arange(len(owner)) - torch.repeat_interleave(size.cumsum(0) - size, size)
        return elements[offsets[index][owner] + within], owner, size

    def score(index: Any) -> Any:
        with torch.no_grad():
            return torch.cat([network(*gather(part)) for part in index.split(4096)])

    loss = torch.nn.BCEWithLogitsLoss()
    steps = epochs * -(-len(training) // batch)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    best, kept = float("inf"), None
    for _ in range(epochs):
        order = training[torch.randperm(len(training), generator=generator)]
        for part in order.split(batch):
            optimiser.zero_grad(set_to_none=True)
            loss(network(*gather(part)), labels[part]).backward()
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


def _network(torch: Any, inputs: int, width: int) -> Any:
    nn = torch.nn

    class SetClassifier(nn.Module):
        """Logit of each set of elements that stand one after the other."""

        def __init__(self) -> None:
            super().__init__()
            self.element = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
            self.whole = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU())
            self.again = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
            self.verdict = nn.Sequential(nn.Linear(3 * width, width), nn.SiLU(), nn.Linear(width, 1))

        def forward(self, elements: Any, owner: Any, size: Any) -> Any:
            local = self.element(elements)
            whole = self.whole(self._pooled(local, owner, size))
            local = self.again(torch.cat([local, whole[owner]], dim=-1))
            return self.verdict(torch.cat([self._pooled(local, owner, size), whole], dim=-1))[:, 0]

        @staticmethod
        def _pooled(local: Any, owner: Any, size: Any) -> Any:
            total = local.new_zeros(len(size), local.shape[1]).index_add(0, owner, local)
            return torch.cat([total * 0.1, total / size.clamp(min=1)[:, None]], dim=-1)

    return SetClassifier()
