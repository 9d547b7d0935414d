"""A likelihood ratio of reference to surrogate, fitted, calibrated and measured on three parts of the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import SurrogatesError
from ..measuring.classifiers import boosting
from ..models.likelihood_ratio import CLIP, Learning, LikelihoodRatio, effective_share
from ..release.ratios import RatioCard
from ..sampling.reweighting import seen

if TYPE_CHECKING:
    import xarray as xr

    from ..sampling.surrogate import Surrogate

LEAST = 400
"""Samples that a fit needs."""


def fitted_ratio(
    surrogate: Surrogate,
    truth: xr.Dataset,
    *,
    seed: int = 0,
    width: int = 64,
    clip: float = CLIP,
    learning: Learning | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[LikelihoodRatio, RatioCard]:
    """Learn weights of a surrogate's samples from the reference's at equal conditions.

    Half of the rows train a classifier, a quarter calibrates it, and a quarter, which neither saw, tells whether it
    holds: where it is no better there than knowing nothing, it is refused.

    Parameters
    ----------
    surrogate : Surrogate
        Sampled at the truth's conditions.
    truth : Dataset
        Samples of the reference with their conditions; rows in any order.
    seed : int
    width : int
        Of the classifier's hidden layers.
    clip : float
        Quantile of the weights at which they are cut.

    Raises
    ------
    SurrogatesError
        Too few rows, or a classifier that does not hold.
    """
    plugin, n = surrogate.plugin, truth.sizes["sample"]
    if n < LEAST:
        raise SurrogatesError(f"reweight: {n} samples of the reference; expected {LEAST} or more")
    say = progress or (lambda text: None)
    say("samples")
    plain = surrogate.using(reweight=False)
    asked = truth[[name for name in plugin.conditions.names if name in truth]]
    samples = plain.sample(asked, seed=seed)
    say("features")
    (true, names), (made, _) = seen(plugin, truth), seen(plugin, samples)
    rows = np.random.default_rng([seed, 11]).permutation(n)
    training, calibrating, held = np.split(rows, [n // 2, 3 * n // 4])
    say("classifier")
    ratio = LikelihoodRatio(len(names), width)
    ratio.fit(made[training], true[training], seed=seed, learning=learning)
    ratio.calibrate(made[calibrating], true[calibrating], clip=clip)
    gain, error = ratio.gain(made[held], true[held])
    if gain <= error:
        raise SurrogatesError(
            f"reweight: on {len(held):,} samples of each side that it never saw, the classifier gains {gain:.4f} +- "
            f"{error:.4f} bits a sample over knowing nothing; expected more than its error. The surrogate is as near "
            f"as {n:,} samples can tell, or they are too few to learn from: nothing is written"
        )
    say("measured on samples that it never saw")
    weights = ratio.weights(made[held])
    picked = _chosen(weights, seed)
    before, after = (boosting(one, true[held], seed=seed).auc for one in (made[held], made[held][picked]))
    card = RatioCard(
        plugin=plugin.name,
        recipe=surrogate.card.recipe,
        sha256=surrogate.card.sha256,
        options=plain.options,
        features=names,
        n=n,
        seed=seed,
        width=width,
        gain=gain,
        gain_error=error,
        auc=before,
        auc_chosen=after,
        effective=effective_share(weights),
        largest=float(ratio.cap / ratio.mean),
    )
    return ratio, card


def _chosen(weights: np.ndarray, seed: int) -> np.ndarray:
    """Rows by their weights, without repeats: each is kept with its weight's share of the largest."""
    uniform = np.random.default_rng([seed, 12]).random(len(weights))
    return np.flatnonzero(uniform < weights / weights.max())


def told(card: RatioCard) -> list[str]:
    """Lines for people."""
    return [
        f"{card.plugin}/{card.recipe}: {card.gain:.4f} +- {card.gain_error:.4f} bits a sample, on {card.n // 4:,} "
        "samples of each side that were never seen",
        f"AUC of boosting {card.auc:.3f}, among samples chosen by weight {card.auc_chosen:.3f}",
        f"effective sample size {card.effective:.2f} of the number of samples; weights are cut at {card.largest:.2f}",
    ]
