"""How drawn and observed cutouts are compared: moments through windows about a galaxy, by energy scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models.scoring import energy_score

Tensors = dict[str, Tensor]

SCALES = (0.5, 0.9, 1.6, 2.8)
"""Widths of the windows, in observed sizes."""

ORDERS = 4
_POOLED = 3  # pixels averaged, a side


@dataclass(frozen=True)
class Frame:
    """Where a cutout's galaxy lies, as fitted: (n,) each, the centre (n, 2) in pixels, the spread (n,) of the PSF."""

    radius: Tensor
    ellipticity: Tensor
    angle: Tensor
    centre: Tensor
    blur: Tensor


def frame_of(known: Tensors, conditions: Tensors, size: int) -> Frame:
    """Frames of a batch of training cutouts."""
    psf = known["cutout_psf"].float()[:, 1]
    psf = psf / psf.sum((-2, -1), keepdim=True)
    blur = 1.0 / torch.sqrt(4.0 * math.pi * psf.square().sum((-2, -1)))
    return Frame(
        known["cutout_radius"].float(),
        conditions["ellipticity"].float(),
        torch.deg2rad(conditions["position_angle"].float()),
        known["cutout_centre"].float(),
        blur,
    )


def coordinates(frame: Frame, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates u, v (n, size, size) about each galaxy in units of its observed size, and that size's area (n,).

    The observed size is the fitted one with the PSF's in quadrature, along and across the fitted axis.
    """
    q = ((1.0 - frame.ellipticity) / (1.0 + frame.ellipticity)).clamp(min=0.05)
    along = torch.sqrt(0.72 * frame.radius**2 / q + frame.blur**2)
    across = torch.sqrt(0.72 * frame.radius**2 * q + frame.blur**2)
    axis = torch.arange(size, dtype=frame.radius.dtype, device=frame.radius.device) - (size - 1) / 2
    x = axis[None, None, :] - frame.centre[:, 0, None, None]
    y = axis[None, :, None] - frame.centre[:, 1, None, None]
    cosine, sine = torch.cos(frame.angle)[:, None, None], torch.sin(frame.angle)[:, None, None]
    u = (cosine * x + sine * y) / along[:, None, None]
    v = (cosine * y - sine * x) / across[:, None, None]
    return u, v, along * across


@dataclass(frozen=True)
class Windows:
    """Windows about n galaxies, of order 0 (n, scales, pixels) and of orders 1 to 4 (n, orders * scales * 2, pixels).

    A sum of image times window is in units of what a Gaussian galaxy of the observed size gives; the noise is the same
    in each.
    """

    zeroth: Tensor
    higher: Tensor
    weight: Tensor


def windows_of(frame: Frame, weight: Tensor) -> Windows:
    """Windows on cutouts whose known pixels have weight 1, (n, size, size)."""
    u, v, area = coordinates(frame, weight.shape[-1])
    square = u * u + v * v
    bells = torch.stack([torch.exp(-0.5 * square / scale**2) for scale in SCALES], dim=1) * weight[:, None]
    unit = (0.5 / torch.sqrt(math.pi * area))[:, None, None, None]
    norm = bells.square().sum((-2, -1), keepdim=True).sqrt().clamp(min=1e-6)
    waves, cosine, sine = [], torch.ones_like(u), torch.zeros_like(u)
    for _ in range(ORDERS):
        cosine, sine = cosine * u - sine * v, cosine * v + sine * u
        power = torch.sqrt(((cosine**2 + sine**2)[:, None] * bells**2).sum((-2, -1), keepdim=True) * 0.5)
        part = bells / (power.clamp(min=1e-6) * unit)
        waves.append(torch.stack((part * cosine[:, None], part * sine[:, None]), dim=2))
    higher = torch.stack(waves, dim=1).flatten(1, 3).flatten(2)
    return Windows((bells / (norm * unit)).flatten(2), higher, weight)


def moments(images: Tensor, seen: Windows) -> tuple[Tensor, Tensor]:
    """Windowed moments of cutouts: of order 0 by band (n, bands, scales), of orders 1 to 4 (n, orders, scales, 2).

    Higher orders are of the bands' mean.
    """
    flat = images.flatten(2)
    zeroth = flat @ seen.zeroth.transpose(1, 2)
    higher = (seen.higher @ flat.mean(1)[..., None])[..., 0]
    return zeroth, higher.unflatten(-1, (ORDERS, len(SCALES), 2))


def views(images: Tensor, seen: Windows) -> tuple[Tensor, ...]:
    """What is compared of cutouts (n, bands, size, size), each (n, k)."""
    zeroth, higher = moments(images, seen)
    size = torch.sqrt(higher.square().sum(-1) + 1e-8)
    before, after = higher[:, :, :-1], higher[:, :, 1:]
    scale = torch.sqrt(size[:, :, :-1] * size[:, :, 1:] + 1e-8)
    same = (before * after).sum(-1) / scale
    wound = (before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]).abs() / scale
    colours = zeroth - zeroth.mean(1, keepdim=True)
    pooled = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True) * seen.weight[:, None], _POOLED)
    shape = higher[:, 1].flatten(1)  # in the frame of the fitted axis
    return (
        zeroth.mean(1), colours.flatten(1), shape, higher.flatten(1), size.flatten(1),
        torch.cat((same, wound), dim=1).flatten(1), pooled.flatten(1),
    )  # fmt: skip


_APART = (0, 2, 4, 5)  # views whose entries are scored one by one too
_LEAST = 1e-4  # spread of an entry
_COLOURS, _SLIGHT = 1, 1e-2  # cutouts of one band have no colours, which are not to outweigh all else


def score(first: Tensor, second: Tensor, truth: Tensor, weight: Tensor, frame: Frame) -> Tensor:
    """Energy scores (n,) of two draws at the observed cutouts, over all views, each entry in units of its spread."""
    seen = windows_of(frame, weight)
    sides = [views(side, seen) for side in (first, second, truth)]
    total = torch.zeros(len(truth), device=truth.device)
    for number, (a, b, y) in enumerate(zip(*sides, strict=True)):
        spread = y.std(0, keepdim=True)
        spread = torch.where(spread < _LEAST, _SLIGHT if number == _COLOURS else _LEAST, spread)
        if number == len(sides[2]) - 1:
            spread = spread.square().mean().sqrt()
        a, b, y = a / spread, b / spread, y / spread
        total = total + energy_score(a, b, y) / math.sqrt(y.shape[1])
        if number in _APART:
            total = total + energy_score(a[..., None], b[..., None], y[..., None])
    return total
