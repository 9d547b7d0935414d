"""Embeddings of a time in [0, 1]."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def fourier_features(time: Tensor, features: int, *, periods: float = 16.0) -> Tensor:
    """Sines and cosines of a time at geometrically spaced frequencies.

    Parameters
    ----------
    time : Tensor
        (n,), in [0, 1].
    features : int
        Length of the embedding, even.
    periods : float
        Turns of the fastest wave over [0, 1]; the slowest makes half a turn.

    Returns
    -------
    Tensor
        (n, features), in [-1, 1]: the sinusoidal embedding of Vaswani et al. 2017, arXiv:1706.03762, section 3.5,
        with frequencies that suit the unit interval.

    Raises
    ------
    ValueError
        Odd `features`.
    """
    if features % 2:
        raise ValueError(f"features: {features} is odd; expected an even length, half sines and half cosines")
    powers = torch.linspace(0.0, 1.0, features // 2, dtype=time.dtype, device=time.device)
    angle = time.unsqueeze(-1) * (math.pi * (2.0 * periods) ** powers)
    return torch.cat((torch.sin(angle), torch.cos(angle)), dim=-1)
