"""Policy gradient of sequences that a discriminator judges token by token, or a simulator as a whole.

Williams 1992, Mach. Learn. 8, 229 (REINFORCE); a discriminator's reward: Yu et al. 2017, arXiv:1609.05473 (SeqGAN); one
of every prefix, without roll-outs: d'Autume et al. 2019, arXiv:1905.09922, sections 3.2 and 3.3.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def prefix_rewards(scores: Tensor, written: Tensor) -> Tensor:
    """Rewards 2 D - 1 between -1 and 1 of logits (n, m) of D, 0 where nothing is `written` (n, m)."""
    return torch.tanh(0.5 * scores) * written


def returns(rewards: Tensor, discount: float) -> Tensor:
    """Rewards (n, m) from each place on, those k places later times discount^k."""
    total, found = torch.zeros_like(rewards[:, 0]), []
    for reward in reversed(rewards.unbind(1)):
        total = reward + discount * total
        found.append(total)
    return torch.stack(found[::-1], dim=1)


def advantages(gains: Tensor, written: Tensor) -> Tensor:
    """Returns (n, m) less their mean over the sequences that are `written` (n, m) at that place, over their spread."""
    count = written.sum(0).clamp(min=1)
    apart = (gains - (gains * written).sum(0) / count) * written
    return apart / (apart.square().sum() / written.sum().clamp(min=1)).sqrt().clamp(min=1e-6)


def leave_one_out(rewards: Tensor, draws: int) -> Tensor:
    """Rewards (n,) less the mean of the others of each group of `draws` in a row, over the spread of all that is left.

    The baseline of Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline for free!", ICLR workshop.
    """
    groups = rewards.unflatten(0, (-1, draws))
    apart = (groups - groups.mean(1, keepdim=True)).flatten() * (draws / (draws - 1))
    return apart / apart.square().mean().sqrt().clamp(min=1e-6)


def policy_loss(log_likelihood: Tensor, advantage: Tensor) -> Tensor:
    """REINFORCE's loss (n,), whose gradient raises the log-likelihoods (n, m) of tokens by their advantages (n, m)."""
    return -(log_likelihood * advantage.detach()).sum(dim=1)


def prefix_loss(scores: Tensor, written: Tensor, *, real: bool) -> Tensor:
    """The discriminator's logistic loss (n,), the mean over the `written` (n, m) of real or drawn sequences."""
    loss = functional.softplus(-scores if real else scores) * written
    return loss.sum(dim=1) / written.sum(dim=1).clamp(min=1)
