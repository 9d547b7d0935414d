"""A picture's texture and colours in numbers that no network was trained for: oriented energies and moments."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .colour import to_luminance
from .resampling import blurred

WIDTHS = (0.8, 1.6, 3.2)
"""Of Gaussians [pixels] whose derivatives are taken."""

WAYS = 4
"""Directions of derivatives."""


def texture(pictures: Tensor) -> Tensor:
    """Logarithms of oriented energies and skewness of bands, and means and spreads of colours, (n, 30).

    Second derivatives of Gaussians along `WAYS` directions at `WIDTHS` (steerable: Freeman, Adelson 1991, IEEE Trans.
    Pattern Anal. 13, 891), in units of the width.

    Parameters
    ----------
    pictures : Tensor
        (n, 3, y, x) in [0, 1], of 32 pixels a side or more.
    """
    planes = to_luminance(pictures.double().permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    found = []
    for width in WIDTHS:
        smooth = blurred(planes[:, :1], width)[:, 0]
        down = smooth[:, 2:, 1:-1] - 2 * smooth[:, 1:-1, 1:-1] + smooth[:, :-2, 1:-1]
        across = smooth[:, 1:-1, 2:] - 2 * smooth[:, 1:-1, 1:-1] + smooth[:, 1:-1, :-2]
        both = (smooth[:, 2:, 2:] - smooth[:, 2:, :-2] - smooth[:, :-2, 2:] + smooth[:, :-2, :-2]) / 4
        for way in range(WAYS):
            c, s = math.cos(math.pi * way / WAYS), math.sin(math.pi * way / WAYS)
            bent = width**2 * (c * c * across + 2 * c * s * both + s * s * down)
            found.append(torch.log(bent.square().mean(dim=(1, 2)).sqrt() + 1e-3))
        curved = down + across
        skew = curved.pow(3).mean(dim=(1, 2)) / (curved.square().mean(dim=(1, 2)) + 1e-9).pow(1.5)
        found.append(skew.clamp(-2.0, 2.0) / 2)
    flat = planes.flatten(2)
    middle, spread = flat.mean(dim=2), flat.std(dim=2)
    tones = torch.quantile(flat[:, 0], torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95], dtype=flat.dtype), dim=1).T
    turn = (flat - middle[..., None])[:, 0, None] * (flat - middle[..., None])[:, 1:]
    mixed = turn.mean(dim=2) / (spread[:, :1] * spread[:, 1:] + 1e-4)
    return torch.cat((torch.stack(found, dim=1), 5 * middle, 5 * spread, 2 * tones, mixed), dim=1)


def recoloured(pictures: Tensor, like: Tensor) -> Tensor:
    """Pictures (n, 3, y, x) whose mean and covariance of colours are those of `like` (n, 3, ...).

    The linear map of least change (Monge's; Pitié, Kokaram 2007, CVMP, "The linear Monge-Kantorovitch colour mapping").
    """
    own, theirs = pictures.double().flatten(2), like.double().flatten(2)
    middles = [side.mean(dim=2, keepdim=True) for side in (own, theirs)]
    covariances = [
        (side - middle) @ (side - middle).transpose(1, 2) / side.shape[2] + 1e-6 * torch.eye(3, dtype=torch.float64)
        for side, middle in zip((own, theirs), middles, strict=True)
    ]
    root = _power(covariances[0], 0.5)
    inverse = _power(covariances[0], -0.5)
    turned = inverse @ _power(root @ covariances[1] @ root, 0.5) @ inverse
    made = turned @ (own - middles[0]) + middles[1]
    return made.unflatten(2, pictures.shape[2:]).to(pictures)


def _power(matrices: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrices)
    return vectors @ torch.diag_embed(values.clamp_min(1e-12).pow(exponent)) @ vectors.transpose(1, 2)


def outlines(pictures: Tensor, width: float = 2.0) -> Tensor:
    """Sizes of the slopes of luminance under a Gaussian of `width` pixels, (n, y, x), of pictures (n, 3, y, x)."""
    smooth = blurred(to_luminance(pictures.double().permute(0, 2, 3, 1))[..., :1].permute(0, 3, 1, 2), width)
    padded = functional.pad(smooth, (0, 1, 0, 1), mode="replicate")[:, 0]
    return torch.hypot(padded[:, 1:, :-1] - padded[:, :-1, :-1], padded[:, :-1, 1:] - padded[:, :-1, :-1])


def alike(first: Tensor, second: Tensor) -> Tensor:
    """Correlation of maps (n, y, x) over their places, (n,)."""
    sides = [side.flatten(1) - side.flatten(1).mean(dim=1, keepdim=True) for side in (first, second)]
    return (sides[0] * sides[1]).sum(dim=1) / (sides[0].norm(dim=1) * sides[1].norm(dim=1) + 1e-12)
