"""Pictures (n, channel, y, x) whose unknown pixels are filled in from what is known around them, without learning."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def filled(pictures: Tensor, known: Tensor) -> Tensor:
    """Pictures whose unknown pixels take the mean of what is known near them, at the finest scale that knows any.

    Pull-push (Gortler et al. 1996, "The lumigraph", section 3.4): means of known pixels at every halving, pulled up
    where they are missing.

    Parameters
    ----------
    pictures : Tensor
    known : Tensor
        (n, 1, y, x), 1 where a pixel is known and 0 where not; where nothing is known at all, the picture is 0 there.
    """
    pictures, known = pictures * known, known.to(pictures)
    if bool((known > 0).all()) or min(known.shape[-2:]) < 1:
        return pictures
    height, width = known.shape[-2:]
    if height == 1 and width == 1:
        return pictures
    padded = [functional.pad(part, (0, width % 2, 0, height % 2)) for part in (pictures, known)]
    sums = [functional.avg_pool2d(part, 2) for part in padded]
    coarse_known = (sums[1] > 0).to(pictures)
    coarse = sums[0] / sums[1].clamp_min(1e-12) * coarse_known
    coarse = filled(coarse, coarse_known)
    near = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.where(known > 0, pictures, near)


def harmonic(pictures: Tensor, known: Tensor, *, sweeps: int = 60) -> Tensor:
    """Pictures whose unknown pixels solve Laplace's equation with what is known as their edge.

    Relaxed from `filled`, which is near it at every scale, by weighted Jacobi sweeps.

    Parameters
    ----------
    pictures, known : Tensor
        As of `filled`.
    sweeps : int
        Enough at 60 to bring residuals of holes of 50 pixels below a grey level.
    """
    found = filled(pictures, known)
    free = known <= 0
    for _ in range(sweeps):
        padded = functional.pad(found, (1, 1, 1, 1), mode="replicate")
        mean = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
        found = torch.where(free, found + 0.9 * (mean / 4 - found), found)
    return found
