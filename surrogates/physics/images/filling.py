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


def harmonic(pictures: Tensor, known: Tensor, *, tolerance: float = 5e-4, iterations: int = 300) -> Tensor:
    """Pictures whose unknown pixels solve Laplace's equation with what is known as their edge.

    A membrane: each unknown pixel is the mean of its four neighbours, and nothing flows across the picture's own edge.
    Conjugate gradients (Hestenes and Stiefel 1952) on the unknown pixels alone, from `filled`, which is near the
    solution at every scale: some 10 iterations for holes of 30 pixels.

    Parameters
    ----------
    pictures, known : Tensor
        As of `filled`.
    tolerance : float
        The iteration ends where no pixel is farther from the mean of its neighbours, in units of white.
    iterations : int
        At the most.
    """
    found = filled(pictures, known)
    free = (known <= 0)[:, 0].nonzero(as_tuple=True)
    if not len(free[0]):
        return found
    picture, row, column = free
    (count, channels), (height, width) = found.shape[:2], found.shape[2:]
    flat = found.transpose(0, 1).reshape(channels, -1)
    place = (picture * height + row) * width + column
    beside = torch.stack(
        (
            torch.where(row > 0, place - width, place),
            torch.where(row < height - 1, place + width, place),
            torch.where(column > 0, place - 1, place),
            torch.where(column < width - 1, place + 1, place),
        )
    )
    number = torch.full((flat.shape[1],), len(place), dtype=torch.long, device=flat.device)
    number[place] = torch.arange(len(place), device=flat.device)
    inner = number[beside]  # known neighbours are the last, which is 0

    def dots(one: Tensor, other: Tensor) -> Tensor:
        return one.new_zeros(channels, count).index_add_(1, picture, one * other)

    def divided(one: Tensor, other: Tensor) -> Tensor:
        return torch.where(other > 0, one / other, 0.0)[:, picture]

    solved = flat[:, place]
    rest = sum((flat[:, near] for near in beside), start=-4.0 * solved)
    along, size = rest, dots(rest, rest)
    for _ in range(iterations):
        if float(rest.abs().max()) <= 4.0 * tolerance:
            break
        closed = functional.pad(along, (0, 1))
        bent = 4.0 * along - sum((closed[:, near] for near in inner), start=torch.zeros_like(along))
        step = divided(size, dots(along, bent))
        solved, rest = solved + step * along, rest - step * bent
        before, size = size, dots(rest, rest)
        along = rest + divided(size, before) * along
    flat[:, place] = solved
    return flat.reshape(channels, count, height, width).transpose(0, 1)
