"""Mixtures of Gaussians and histograms of an angle as conditional densities."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_NARROWEST = -4.5
WIDEST = 2.5
"""Logarithm of a component's largest width; `_NARROWEST` that of its least."""


def _parts(raw: Tensor, widest: float) -> tuple[Tensor, Tensor, Tensor]:
    weight, mean, width = raw.chunk(3, -1)
    return weight, 3.0 * mean, width.clamp(_NARROWEST, widest)


def log_density(raw: Tensor, value: Tensor, widest: float = WIDEST) -> Tensor:
    """Logarithm of the density at `value` (n,) of the mixtures that a network's output (n, 3 k) stands for."""
    weight, mean, width = _parts(raw, widest)
    scaled = (value[:, None] - mean) * torch.exp(-width)
    parts = torch.log_softmax(weight, -1) - width - 0.5 * scaled**2
    return torch.logsumexp(parts, -1) - 0.5 * math.log(2.0 * math.pi)


def mixture_sample(
    raw: Tensor, draws: Tensor, low: Tensor | None = None, high: Tensor | None = None, widest: float = WIDEST
) -> Tensor:
    """Values (n,) float64 of the mixtures from uniform draws (n, 2), components cut off at `low` and `high` (n,)."""
    weight, mean, width = _parts(raw, widest)
    cumulative = torch.cumsum(torch.softmax(weight.double(), -1), -1)
    chosen = (draws[:, :1] > cumulative).sum(-1, keepdim=True).clamp(max=weight.shape[-1] - 1)
    mean, scale = mean.gather(1, chosen)[:, 0].double(), torch.exp(width.gather(1, chosen)[:, 0].double())
    below = 0.0 if low is None else torch.special.ndtr((low - mean) / scale)
    above = 1.0 if high is None else torch.special.ndtr((high - mean) / scale)
    place = (below + (above - below) * draws[:, 1]).clamp(1e-15, 1.0 - 1e-15)
    value = mean + scale * torch.special.ndtri(place)
    value = value if low is None else torch.maximum(value, low)
    return value if high is None else torch.minimum(value, high)


def bin_angle(logits: Tensor, draw: Tensor) -> Tensor:
    """Angles (n,) in [0, pi] of histograms with equal bins, from one uniform draw (n,) each."""
    share = torch.softmax(logits.double(), -1)
    above = torch.cumsum(share, -1)
    bins = logits.shape[-1]
    chosen = (draw[:, None] > above).sum(-1, keepdim=True).clamp(max=bins - 1)
    low = (above - share).gather(1, chosen)[:, 0]
    inside = ((draw - low) / share.gather(1, chosen)[:, 0].clamp(min=1e-12)).clamp(0.0, 1.0)
    return (chosen[:, 0] + inside) * (math.pi / bins)
