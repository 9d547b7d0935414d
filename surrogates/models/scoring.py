"""Energy score: trains a one-pass generator on conditional distributions, with neither an adversary nor a likelihood.

Gneiting, Raftery 2007, "Strictly proper scoring rules, prediction, and estimation", J. Am. Stat. Assoc. 102, 359,
section 4.3; for generators Shen, Meinshausen 2023, "Engression", arXiv:2307.00835. Two samples at each condition give
an unbiased gradient, whatever the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

_SOFT = 1e-6  # keeps the gradient of a norm finite at 0


def energy_score(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Energy score of two samples of a distribution at the truth; smallest in expectation where they agree.

    Parameters
    ----------
    first, second, truth : Tensor
        (n, …, d): two independent samples at the truth's own conditions, and the truth. Norms run over the last
        dimension; with d = 1 this is the continuous ranked probability score.

    Returns
    -------
    Tensor
        (n,): (|x - y| + |x' - y| - |x - x'|) / 2, averaged over the dimensions between.
    """
    score = 0.5 * (_norm(first - truth) + _norm(second - truth) - _norm(first - second))
    return score.flatten(1).mean(-1) if score.ndim > 1 else score


def _norm(difference: Tensor) -> Tensor:
    return torch.sqrt((difference**2).sum(-1) + _SOFT**2)
