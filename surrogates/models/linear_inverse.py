"""Linear inverse model: correlated Gaussian states that follow one another in time, fitted in closed form.

Penland, Sardeshmukh 1995, "The optimal growth of tropical sea surface temperature anomalies", J. Climate 8, 1999:
z(t + 1) = A z(t) + noise, with A from the covariances at lags 0 and 1. In coordinates whose stationary covariance is
the identity, a first state is drawn from the standard normal, and the noise has covariance 1 - A A'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ..noise import Noise


class LinearInverseModel(nn.Module):
    """Patterns of anomalies, their coordinates' transition from one step to the next, and its noise.

    Parameters
    ----------
    modes : int
        Number of patterns.
    size : int
        Length of a flattened anomaly.
    """

    patterns: Tensor
    transition: Tensor
    shock: Tensor

    def __init__(self, modes: int, size: int) -> None:
        super().__init__()
        self.modes = modes
        self.register_buffer("patterns", torch.zeros(modes, size, dtype=torch.float16))
        self.register_buffer("transition", torch.zeros(modes, modes))
        self.register_buffer("shock", torch.eye(modes))

    @torch.no_grad()
    def fit(self, first: Tensor, second: Tensor, weights: Tensor) -> None:
        """Fit patterns and transition to anomalies a step apart.

        Parameters
        ----------
        first, second : Tensor
            (n, size): anomalies of zero mean, and those one step later.
        weights : Tensor
            (size,) positive; patterns are orthogonal under them.
        """
        root = weights.sqrt().to(first)
        anomalies = torch.cat((first, second)) * root
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, scales, axes = torch.svd_lowrank(anomalies, q=min(self.modes + 40, *anomalies.shape), niter=4)
        kept = min(self.modes, len(scales))
        scales, axes = scales[:kept] / len(anomalies) ** 0.5, axes[:, :kept]
        whitened = [(part * root) @ axes / scales for part in (first, second)]
        transition = _significant((whitened[1].T @ whitened[0] / len(first)).double(), len(first))
        values, vectors = torch.linalg.eigh(
            torch.eye(kept, dtype=torch.float64, device=first.device) - transition @ transition.T
        )
        shock = vectors * values.clamp(min=1e-4).sqrt()
        self.modes = kept
        self.patterns = ((axes * scales).T / root).to(self.patterns.dtype)
        self.transition, self.shock = transition.float(), shock.float()

    def states(self, noise: Noise, steps: int, name: str) -> Iterator[Tensor]:
        """Yield (n, modes) standard normal coordinates of consecutive steps."""
        kept = len(self.transition)
        state = noise.normal((kept,), name, 0).float()
        yield state
        for step in range(1, steps):
            state = state @ self.transition.T + noise.normal((kept,), name, step).float() @ self.shock.T
            yield state

    def coordinates(self, anomalies: Tensor, weights: Tensor) -> Tensor:
        """(n, modes) coordinates of anomalies (n, size) in the patterns that `fit` found under these weights."""
        patterns = self.patterns.to(anomalies.dtype)
        weighted = patterns * weights.to(patterns)
        return anomalies @ (weighted / (weighted * patterns).sum(1, keepdim=True)).T

    def anomalies(self, states: Tensor) -> Tensor:
        """(n, size) of coordinates (n, modes)."""
        return states @ self.patterns.to(states.dtype)


def _significant(transition: Tensor, n: int) -> Tensor:
    """Transition whose entries off the diagonal are 0 where chance explains them, and in which no direction grows.

    The diagonal, which makes the correlation of a field with itself a step later, stands as it was found: what grows is
    mended by shrinking the other entries alone.
    """
    diagonal = torch.diag(transition.diagonal().clamp(-_LARGEST_GAIN, _LARGEST_GAIN))
    across = transition - torch.diag(transition.diagonal())
    across = torch.where(across.abs() > _STANDARD_ERRORS / n**0.5, across, 0.0)
    kept, step, share = 0.0, 1.0, 1.0
    for _ in range(_HALVINGS):
        if float(torch.linalg.matrix_norm(diagonal + share * across, 2)) <= _LARGEST_GAIN:
            kept = share
        step *= 0.5
        share = min(kept + step, 1.0)
    return diagonal + kept * across


_LARGEST_GAIN = 0.995
_STANDARD_ERRORS = 4.0
"""Of independent steps; those of a sequence are alike, and its true standard errors about twice as large."""
_HALVINGS = 12


def correlated(before: Tensor, fresh: Tensor, correlation: Tensor) -> Tensor:
    """The next of a sequence of standard normals that keep a share `correlation` from one step to the next."""
    return correlation * before + (1.0 - correlation**2).sqrt() * fresh
