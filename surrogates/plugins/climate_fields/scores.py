"""What the default model learns by: energy scores of what a climatologist looks at, from cells to the globe.

Each view of two consecutive days is scored by the energy score (Gneiting, Raftery 2007), proper for the joint
distribution of what it shows: single cells, patches over both days and all variables, means over boxes, latitudes and
the globe, spherical harmonics by band, rain areas by latitude, and changes from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from ...models.scoring import energy_score
from ...physics.climate.gaussian_grid import T31
from ...physics.climate.harmonics import analysis

BANDS = ((1, 3), (4, 7), (8, 12), (13, 18), (19, 24), (25, 31))
"""Degrees of the spherical harmonics that are scored together."""

_LATITUDE_BANDS = 8


def seen_fields(fields: Tensor) -> Tensor:
    """Encoded fields (n, day, 3, 48, 96) as the reference's look: no negative root of rain."""
    return torch.cat((fields[:, :, :2], fields[:, :, 2:].clamp(min=0.0)), dim=2)


def climate_score(first: Tensor, second: Tensor, truth: Tensor, shift: tuple[int, int]) -> Tensor:
    """Sum of all views' energy scores of two draws at the truth, each in units of its own spread, (n,).

    Parameters
    ----------
    first, second, truth : Tensor
        (n, day, 3, 48, 96) encoded; two independent draws at the truth's conditions.
    shift : (int, int)
        Where the patches and boxes begin, 0 to 7, the same for all three.
    """
    total = torch.zeros(len(truth), device=truth.device)
    for (weight, a), (_, b), (_, c) in zip(views(first, shift), views(second, shift), views(truth, shift), strict=True):
        spread = _spread(c.detach())
        total = total + weight * energy_score(a / spread, b / spread, c / spread)
    return total


def _spread(view: Tensor) -> Tensor:
    """Root mean square departure (1, how many, 1) of what is seen together from its mean over the batch.

    A batch is small: each is drawn halfway to the mean of all.
    """
    each = (view - view.mean(0)).square().sum(-1).mean(0).sqrt()
    return (0.5 * (each + each.mean()) + 1e-3)[None, :, None]


def views(fields: Tensor, shift: tuple[int, int]) -> Iterator[tuple[float, Tensor]]:
    """Yield weights and views (n, how many, numbers seen together) of encoded fields."""
    fields = seen_fields(fields)
    n, days = fields.shape[:2]
    area = torch.as_tensor(T31.weights * len(T31.weights), dtype=fields.dtype).clamp(min=0.25)[:, None]
    weighted = fields * area
    yield 1.0, weighted.reshape(n, -1, 1)
    yield 0.5, (weighted[:, 1:] - weighted[:, :-1]).reshape(n, -1, 1)
    moved = weighted.roll(shift[0], -1)[..., shift[1] % 4 : 44 + shift[1] % 4, :]
    for size in (2, 4):
        cells = moved.reshape(n, days, 3, 44 // size, size, 96 // size, size)
        alone = cells.permute(0, 2, 3, 5, 1, 4, 6)
        yield 1.0, alone.reshape(n, -1, days * size * size)
    rain = fields[:, :, 2].square().roll(shift[0], -1)
    amounts = torch.cat((fields.roll(shift[0], -1), 0.2 * rain[:, :, None]), dim=2).flatten(0, 1)
    for size in (4, 8):
        boxes = functional.avg_pool2d(amounts[..., :48, :], size)
        yield 0.7, boxes.reshape(n, -1, 1)
        yield 0.3, boxes.reshape(n, days, 4, -1).transpose(2, 3).flatten(1, 2)
        pair = boxes.reshape(n, days, 4, *boxes.shape[-2:])
        yield 0.5, (pair[:, 1:] - pair[:, :-1]).reshape(n, -1, 1)
    zonal = amounts.mean(-1)
    yield 0.5, zonal.reshape(n, -1, 1)
    gauss = torch.as_tensor(T31.weights, dtype=fields.dtype)
    yield 0.5, (zonal * gauss).sum(-1).reshape(n, -1, 1)
    change = (weighted[:, 1:] - weighted[:, :-1]).square().flatten(1, 2)
    yield 0.5, torch.log(_banded(change) + 1e-4).reshape(n, -1, 1)
    yield from _spectral(fields)
    yield from _rain_areas(fields[:, :, 2])


def _spectral(fields: Tensor) -> Iterator[tuple[float, Tensor]]:
    n = len(fields)
    waves = analysis(fields)
    waves = torch.view_as_real(waves)  # n, day, 3, order, degree, 2
    for low, high in BANDS:
        band = waves[..., : high + 1, low : high + 1, :].flatten(3)
        band = band[..., _occupied(low, high)]
        yield 0.4, band.flatten(1, 2)
        both = torch.cat((band, band[:, 1:] - band[:, :-1]), dim=1)
        yield 0.4, torch.log(both.square().mean(-1) + 1e-6).reshape(n, -1, 1)


def _occupied(low: int, high: int) -> Tensor:
    """Places of a flattened band that can differ from 0."""
    order = torch.arange(high + 1)[:, None, None]
    degree = torch.arange(low, high + 1)[None, :, None]
    part = torch.arange(2)[None, None]
    return ((order <= degree) & ((order > 0) | (part == 0))).flatten().nonzero()[:, 0]


def _banded(maps: Tensor) -> Tensor:
    """Means over bands of latitude (n, day, bands) of maps (n, day, latitude, longitude)."""
    rows = maps.mean(-1)
    rows = functional.adaptive_avg_pool1d(rows.flatten(0, 1)[:, None], _LATITUDE_BANDS)[:, 0]
    return rows.reshape(*maps.shape[:2], -1)


def _rain_areas(root: Tensor) -> Iterator[tuple[float, Tensor]]:
    n = len(root)
    for threshold in (1.0, 5.0):
        wet = torch.sigmoid((root - threshold**0.5) / 0.1)
        along, across = wet.roll(1, -1), wet[..., 1:, :]
        agree = [_agreement(wet, along), _agreement(wet[..., :-1, :], across)]
        for maps in (wet, *agree):
            yield 0.3, _banded(maps).reshape(n, -1, 1)
        yield 0.3, _agreement(wet[:, 1:], wet[:, :-1]).mean(-1).reshape(n, -1, 1)
    for step in ((root - root.roll(1, -1)), (root[..., 1:, :] - root[..., :-1, :])):
        yield 0.3, _banded(step.abs()).reshape(n, -1, 1)
        yield 0.3, _banded(step.square()).reshape(n, -1, 1)


def _agreement(first: Tensor, second: Tensor) -> Tensor:
    return first * second + (1.0 - first) * (1.0 - second)
