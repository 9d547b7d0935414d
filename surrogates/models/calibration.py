"""Calibration of marginals: brings each variable of a generator's samples to its true distribution, by quantiles.

Quantiles of samples and of the truth are learned side by side by the pinball loss (Koenker, Bassett 1978, "Regression
quantiles", Econometrica 46, 33), given a label and a number; a sample is then carried from its own quantile to the true
one. Ranks within a variable stay as they are, and with them the dependence between variables.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Calibration(nn.Module):
    """Monotone maps of [0, 1] onto itself, one a variable, given a label and a number.

    Parameters
    ----------
    d : int
        Variables.
    labels : int
    anchors : sequence of float
        Increasing values of the number between which knots change linearly; they stay as they are outside.
    bins : int
        Quantiles are learned at 1/bins, 2/bins, …

    Notes
    -----
    Knots are running sums of a softmax, one an anchor: they increase from 0 to 1 whatever the parameters. Parameters
    of 0 are the identity.
    """

    def __init__(self, d: int, labels: int, anchors: Sequence[float], bins: int = 64) -> None:
        super().__init__()
        self.bins = bins
        self.anchors: Tensor
        self.register_buffer("anchors", torch.tensor(anchors, dtype=torch.float32), persistent=False)
        self.made = nn.Parameter(torch.zeros(labels, len(anchors), d, bins))
        self.true = nn.Parameter(torch.zeros(labels, len(anchors), d, bins))

    def loss(self, made: Tensor, true: Tensor, label: Tensor, number: Tensor) -> Tensor:
        """Pinball losses of samples and truth (n, d), label (n,) int64 and number (n,) of order 1; (n,)."""
        level = torch.arange(1, self.bins, device=made.device) / self.bins
        total = made.new_zeros(len(made))
        for values, logits in ((made, self.made), (true, self.true)):
            excess = values[..., None] - self._knots(logits, label, number)[..., 1:-1]
            total = total + torch.maximum(level * excess, (level - 1.0) * excess).sum((-1, -2))
        return total

    def forward(self, values: Tensor, label: Tensor, number: Tensor) -> Tensor:
        """Calibrate samples (n, d) in [0, 1]."""
        made, true = (self._knots(logits, label, number) for logits in (self.made, self.true))
        right = (values[..., None] > made[..., 1:-1]).sum(-1, keepdim=True) + 1
        low, high = made.gather(-1, right - 1)[..., 0], made.gather(-1, right)[..., 0]
        start, end = true.gather(-1, right - 1)[..., 0], true.gather(-1, right)[..., 0]
        share = (values - low) / (high - low).clamp(min=1e-9)
        return start + share.clamp(0.0, 1.0) * (end - start)

    def _knots(self, logits: Tensor, label: Tensor, number: Tensor) -> Tensor:
        right = torch.searchsorted(self.anchors, number.contiguous()).clamp(1, len(self.anchors) - 1)
        low, high = self.anchors[right - 1], self.anchors[right]
        share = ((number - low) / (high - low)).clamp(0.0, 1.0)[:, None, None]
        steps = torch.softmax(logits, dim=-1)
        steps = torch.lerp(steps[label, right - 1], steps[label, right], share.to(logits.dtype))
        inner = torch.cumsum(steps, dim=-1)[..., :-1]
        zero = torch.zeros_like(inner[..., :1])
        return torch.cat((zero, inner, zero + 1.0), dim=-1)
