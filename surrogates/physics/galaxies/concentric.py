"""Concentric elliptical Gaussians drawn at pixel centres, each only as far as it reaches."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from .rendering import FLOOR, REACH, pixel_centres, quadratic

_COLUMNS, _BLOCK = (
    512,
    1 << 15,
)  # pixels at least, and values about, that are drawn at a time: a block stays in the cache
_WINDOWS = (32, 64)  # pixels a side of the middles of a stamp that narrow Gaussians are drawn on alone


@dataclass(frozen=True)
class Profile:
    """Concentric elliptical Gaussians of n galaxies, the narrow ones first.

    Attributes
    ----------
    peaks : Tensor
        (n, m) brightness at the centre for unit flux times the Gaussian's share [1/arcsec^2], float32.
    forms : Tensor
        (n, m, 3) exponents' coefficients of x^2, 2 x y and y^2 [1/arcsec^2], float32.
    reaches : list of list of float
        Radius beyond which a Gaussian and those before it are nothing [arcsec], (n, m).
    starts : list of int
        First Gaussian of each galaxy; those before it have no share.
    centres : list of (float, float), optional
        x and y of each galaxy's centre [arcsec]; the stamp's where there are none.
    """

    peaks: Tensor
    forms: Tensor
    reaches: list[list[float]]
    starts: list[int]
    centres: list[tuple[float, float]] | None = None


def profile(weights: Tensor, covariances: Tensor, narrow: float = 0.0, centres: Tensor | None = None) -> Profile:
    """Concentric Gaussians made ready to be drawn.

    Parameters
    ----------
    weights : Tensor
        (n, m) shares of the flux.
    covariances : Tensor
        (n, m, 3) xx, xy, yy [arcsec^2], of growing extent.
    narrow : float
        Gaussians whose largest variance is less [arcsec^2] are drawn as one of their mean covariance: give a little
        more than that of the Gaussian that every one was convolved with.
    centres : Tensor, optional
        (n, 2) x and y [arcsec].
    """
    weights, covariances = weights.double(), covariances.double()
    xx, xy, yy = covariances.unbind(-1)
    widest = torch.cummax((xx + yy) / 2 + torch.hypot((xx - yy) / 2, xy), dim=-1).values
    starts = (widest < narrow).sum(-1).sub_(1).clamp_(min=0)
    merged = torch.arange(weights.shape[-1], device=weights.device) <= starts[:, None]
    share = weights * merged
    whole = share.sum(-1)
    usable = whole.abs() > 1e-12
    mean = (share[..., None] * covariances).sum(1) / torch.where(usable, whole, 1.0)[:, None]
    own = covariances.gather(1, starts[:, None, None].expand(-1, 1, 3))[:, 0]
    inside = usable & (mean[:, 0] > 0) & (mean[:, 2] > 0) & (mean[:, 0] <= narrow) & (mean[:, 2] <= narrow)
    mean = torch.where(inside[:, None], mean, own)
    place = torch.arange(len(weights), device=weights.device)
    weights, covariances = weights * ~merged, covariances.clone()
    weights[place, starts], covariances[place, starts] = whole, mean
    xx, xy, yy = covariances.unbind(-1)
    determinant = xx * yy - xy * xy
    forms = torch.stack((yy, -xy, xx), dim=-1).mul_(-0.5).div_(determinant[..., None])
    return Profile(
        (weights / (2 * math.pi * torch.sqrt(determinant))).float(),
        forms.float(),
        (REACH * torch.sqrt(widest)).tolist(),
        starts.tolist(),
        None if centres is None else [(x, y) for x, y in centres.tolist()],
    )


def draw_profiles(found: Profile, rows: Sequence[int], size: int, scale: float) -> Tensor:
    """Images of galaxies' profiles; each Gaussian is drawn on a middle that holds it.

    Parameters
    ----------
    found : Profile
    rows : sequence of int
        Of the galaxies that are drawn.
    size, scale
        As for `rendering.draw_gaussians`; `size` is even.

    Returns
    -------
    Tensor
        (rows, size, size) float32; a galaxy's bits do not depend on the others.
    """
    forms, peaks = found.forms[list(rows)] * scale**2, found.peaks[list(rows)] * scale**2
    image = torch.zeros((len(rows), size, size), device=peaks.device)
    for side, jobs in _jobs(found, rows, size, scale).items():
        low = (size - side) // 2
        for drawn, chosen in _blocks(forms, peaks, jobs, side, found.centres is None):
            if found.centres is None:
                image[[job.place for job in chosen], low : low + side, low : low + side] += drawn
                continue
            for job, one in zip(chosen, drawn, strict=True):
                line, column = low + job.line, low + job.column
                image[job.place, line : line + side, column : column + side] += one
    return image


@dataclass(frozen=True)
class _Job:
    """Gaussians `begin` to `end` of the galaxy at `place`, on a window moved by whole pixels, about x and y in it."""

    place: int
    begin: int
    end: int
    column: int = 0
    line: int = 0
    x: float = 0.0
    y: float = 0.0


def _jobs(found: Profile, rows: Sequence[int], size: int, scale: float) -> dict[int, list[_Job]]:
    """What is drawn on windows of each size."""
    sides = (*(side for side in _WINDOWS if side < size), size)
    jobs: dict[int, list[_Job]] = {side: [] for side in sides}
    for place, row in enumerate(rows):
        reaches, begin = found.reaches[row], found.starts[row]
        x, y = (0.0, 0.0) if found.centres is None else found.centres[row]
        x, y = x / scale, y / scale
        for side in sides:
            last = side == size
            end = len(reaches) if last else bisect_right(reaches, (side / 2 - 1.5) * scale)
            column, line = (0, 0) if last else (round(x), round(y))
            fits = 2 * max(abs(column), abs(line)) <= size - side  # else a larger window draws them
            if end > begin and fits:
                jobs[side].append(_Job(place, begin, end, column, line, x - column, y - line))
                begin = end
    return jobs


def _blocks(
    forms: Tensor, peaks: Tensor, jobs: list[_Job], side: int, symmetric: bool
) -> Iterator[tuple[Tensor, list[_Job]]]:
    """Images (jobs, side, side), as many at a time as stay in the cache; of symmetric ones half is computed."""
    points = side * side // (2 if symmetric else 1)
    chosen, held = [], 0
    for job in jobs:
        if chosen and (held + job.end - job.begin) * points > _BLOCK:
            yield _concentric(forms, peaks, chosen, side, symmetric), chosen
            chosen, held = [], 0
        chosen.append(job)
        held += job.end - job.begin
    if chosen:
        yield _concentric(forms, peaks, chosen, side, symmetric), chosen


def _concentric(forms: Tensor, peaks: Tensor, jobs: list[_Job], side: int, symmetric: bool) -> Tensor:
    """Sums of Gaussians about one point each, (jobs, side, side)."""
    ends = list(accumulate(job.end - job.begin for job in jobs))
    slices = [slice(last - job.end + job.begin, last) for job, last in zip(jobs, ends, strict=True)]
    if symmetric:
        basis = quadratic(side // 2, side, str(peaks.device))[3:]
        values = torch.empty((ends[-1], basis.shape[1]), device=peaks.device)
        for job, own in zip(jobs, slices, strict=True):
            torch.mm(forms[job.place, job.begin : job.end], basis, out=values[own])
    else:
        values = _moved(forms, jobs, side)
    values.clamp_min_(FLOOR).exp_()
    image = torch.empty((len(jobs), values.shape[1]), device=peaks.device)
    for number, (job, own) in enumerate(zip(jobs, slices, strict=True)):
        weights = peaks[job.place : job.place + 1, job.begin : job.end]
        torch.mm(weights, values[own], out=image[number : number + 1])
    image = image.view(len(jobs), -1, side)
    return torch.cat((image, image.flip(1, 2)), dim=1) if symmetric else image


def _moved(forms: Tensor, jobs: list[_Job], side: int) -> Tensor:
    """Exponents of Gaussians off the middle, (Gaussians, side * side)."""
    numbers = [(job.place, number, job.x, job.y) for job in jobs for number in range(job.begin, job.end)]
    place, number, x, y = zip(*numbers, strict=True)
    a, b, c = forms[list(place), list(number)].t()[..., None, None]
    axis = pixel_centres(side, str(forms.device))
    u = axis - torch.tensor(x, device=forms.device)[:, None, None]
    v = axis[:, None] - torch.tensor(y, device=forms.device)[:, None, None]
    values = (a * u) + (2.0 * b) * v
    return values.mul_(u).add_(c * v * v).flatten(1)
