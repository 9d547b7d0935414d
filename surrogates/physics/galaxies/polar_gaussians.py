"""A galaxy's light as Gaussians and polar Gaussians in its own round frame, drawn through any PSF by one transform.

In the round frame, in half-light radii, the light is a sum of concentric Gaussians (multi-Gaussian expansion, Emsellem
et al. 1994, A&A 285, 723) and of waves r^m exp(i m theta) exp(-r^2 / 2 s^2), the lowest of the polar shapelets (Massey
& Refregier 2005, MNRAS 363, 197). Both are their own Fourier transforms up to factors, so that size, shear, shift, PSF
and pixel grid act on the transform exactly and every step can be differentiated.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

WIDTHS = tuple(np.geomspace(0.03, 8.0, 14).tolist())
"""Standard deviations of the Gaussians, in half-light radii."""

ORDERS = 4
"""Waves of 1 to so many periods around the centre."""

_INDICES = np.round(np.arange(0.5, 6.01, 0.25), 2)
_RADII = np.geomspace(0.01, 12.0, 120)


@lru_cache(maxsize=16)
def frequency_grid(size: int) -> tuple[Tensor, Tensor]:
    """ky (size, 1) and kx (1, size // 2 + 1) of `torch.fft.rfft2`, in 1 / pixel, float32."""
    ky = torch.fft.fftfreq(size, dtype=torch.float64) * (2 * math.pi)
    kx = torch.fft.rfftfreq(size, dtype=torch.float64) * (2 * math.pi)
    return ky[:, None].float(), kx[None, :].float()


def shears(ellipticity: Tensor, position_angle: Tensor) -> Tensor:
    """(n, 3) xx, xy, yy of area-preserving maps from the round frame to the sky; the angle in rad.

    (1 / sqrt(1 - g^2)) [[1 + g cos 2b, g sin 2b], [g sin 2b, 1 - g cos 2b]], as `galsim.Shear(g=, beta=)`.
    """
    along, across = ellipticity * torch.cos(2 * position_angle), ellipticity * torch.sin(2 * position_angle)
    norm = torch.sqrt((1.0 - ellipticity**2).clamp(min=1e-4))
    return torch.stack(((1.0 + along) / norm, across / norm, (1.0 - along) / norm), dim=-1)


def round_frequencies(radius: Tensor, shear: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Frequencies in a galaxy's round frame at the grid's, (n, size, size // 2 + 1) each.

    Parameters
    ----------
    radius : Tensor
        (n,) half-light radii in pixels.
    shear : Tensor
        As from `shears`.
    """
    ky, kx = (part.to(radius) for part in frequency_grid(size))
    xx, xy, yy = (radius[:, None, None] * part[:, None, None] for part in shear.unbind(-1))
    return xx * kx + xy * ky, xy * kx + yy * ky


def smooth_spectrum(weights: Tensor, radius: Tensor, shear: Tensor, size: int) -> Tensor:
    """Transform of concentric Gaussians of weights (n, WIDTHS), real, (n, size, size // 2 + 1)."""
    x, y = round_frequencies(radius, shear, size)
    bells = _bells(x * x + y * y, weights)
    return (weights[:, None] @ bells)[:, 0].unflatten(-1, x.shape[1:])


def _bells(square: Tensor, weights: Tensor) -> Tensor:
    """Transforms (n, WIDTHS, k) of Gaussians at squared frequencies (n, size, …)."""
    widths = torch.tensor(WIDTHS, dtype=weights.dtype, device=weights.device)
    return ((-0.5 * widths**2)[:, None] * square.flatten(1)[:, None]).clamp_(min=-40.0).exp_()


def wavy_spectrum(weights: Tensor, waves: Tensor, radius: Tensor, shear: Tensor, size: int) -> Tensor:
    """Transform of Gaussians and of waves upon them, complex, (n, size, size // 2 + 1).

    Parameters
    ----------
    weights : Tensor
        (n, WIDTHS) of the Gaussians.
    waves : Tensor
        (n, ORDERS, 2, WIDTHS): a and b of the waves (a cos m theta + b sin m theta) (r / s)^m exp(-r^2 / 2 s^2) /
        (2 pi s^2); they have no flux.
    """
    x, y = round_frequencies(radius, shear, size)
    square = x * x + y * y
    widths = torch.tensor(WIDTHS, dtype=weights.dtype, device=weights.device)
    bells = _bells(square, weights)
    powers = widths ** torch.arange(1, ORDERS + 1, dtype=weights.dtype, device=weights.device)[:, None]
    scaled = (waves * powers[:, None, :]).flatten(1, 2)
    found = torch.cat((weights[:, None], scaled), dim=1) @ bells
    found = found.unflatten(-1, square.shape[1:])
    real, imaginary = found[:, 0], torch.zeros_like(square)
    cosine, sine = torch.ones_like(x), torch.zeros_like(x)
    for order in range(1, ORDERS + 1):
        cosine, sine = cosine * x - sine * y, cosine * y + sine * x
        # the transform of Re[(a - i b) r^m exp(i m theta) …] is (-i s)^m (a Re kappa^m + b Im kappa^m)
        wave = found[:, 2 * order - 1] * cosine + found[:, 2 * order] * sine
        sign = (1.0, -1.0, -1.0, 1.0)[order % 4]
        if order % 2:
            imaginary = imaginary + sign * wave
        else:
            real = real + sign * wave
    return torch.complex(real, imaginary)


def shift(offset: Tensor, size: int) -> Tensor:
    """Factors exp(-i k x) that move light by offsets (n, …, 2: x, y) in pixels, (n, …, size, size // 2 + 1)."""
    ky, kx = (part.to(offset) for part in frequency_grid(size))
    along, across = -kx * offset[..., 0, None, None], -ky * offset[..., 1, None, None]
    return torch.polar(torch.ones_like(along), along) * torch.polar(torch.ones_like(across), across)


def centred(spectrum: Tensor, size: int, shown: int) -> Tensor:
    """Images (…, shown, shown), flux in a pixel, of transforms about the middle of a stamp of `size` pixels."""
    middle = torch.full((2,), (size - 1) / 2, dtype=spectrum.real.dtype, device=spectrum.device)
    image = torch.fft.irfft2(spectrum * shift(middle, size), s=(size, size))
    margin = (size - shown) // 2
    return image[..., margin : margin + shown, margin : margin + shown]


def psf_spectrum(images: Tensor, size: int) -> Tensor:
    """Transfer functions (…, size, size // 2 + 1) of PSFs as images (…, m, m), m odd, centred on their middle pixel."""
    side = images.shape[-1]
    padded = torch.nn.functional.pad(images, (0, size - side, 0, size - side))
    rolled = torch.roll(padded, (-(side // 2), -(side // 2)), dims=(-2, -1))
    return torch.fft.rfft2(rolled / images.sum((-2, -1), keepdim=True))


# Profiles ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _sersic_table() -> Tensor:
    """ln of the weights of Gaussians that make a Sersic profile, (indices, WIDTHS); sums are 1."""
    from scipy.optimize import nnls
    from scipy.special import gammaincinv

    widths = np.array(WIDTHS)
    rows = []
    for index in _INDICES:
        b = gammaincinv(2.0 * index, 0.5)
        light = np.exp(-b * (_RADII ** (1.0 / index) - 1.0))
        ring = _RADII**2  # flux in a step of ln r
        basis = np.exp(-0.5 * (_RADII[:, None] / widths) ** 2) / (2.0 * np.pi * widths**2)
        root = np.sqrt(ring / (ring * light).max())[:, None] / np.sqrt(light[:, None] + 1e-3 * light.min() + 1e-9)
        root = np.minimum(root, 1e3)
        weights, _ = nnls(basis * root, light * root[:, 0])
        weights = np.maximum(weights / weights.sum(), 1e-5)
        rows.append(np.log(weights / weights.sum()))
    return torch.tensor(np.array(rows), dtype=torch.float32)


def sersic_weights(index: Tensor) -> Tensor:
    """Weights (n, WIDTHS) of the Gaussians of Sersic profiles of indices (n,), between 0.5 and 6, of flux 1."""
    step = float(_INDICES[1] - _INDICES[0])
    place = ((index - float(_INDICES[0])) / step).clamp(0.0, len(_INDICES) - 1.001)
    below = place.floor()
    table = torch.exp(_sersic_table().to(index))
    share = (place - below)[..., None]
    return table[below.long()] * (1.0 - share) + table[below.long() + 1] * share


def half_light(weights: Tensor, widths: Tensor) -> Tensor:
    """Half-light radii (n,) of concentric round Gaussians of weights and widths (n, k); differentiable."""
    total = weights.sum(-1)
    with torch.no_grad():
        low, high = torch.full_like(total, math.log(1e-3)), torch.full_like(total, math.log(30.0))
        for _ in range(30):
            middle = 0.5 * (low + high)
            inside = (weights * -torch.expm1(-0.5 * (torch.exp(middle)[:, None] / widths) ** 2)).sum(-1)
            less = inside < 0.5 * total
            low, high = torch.where(less, middle, low), torch.where(less, high, middle)
        radius = torch.exp(0.5 * (low + high))
        slope = (weights * torch.exp(-0.5 * (radius[:, None] / widths) ** 2) * radius[:, None] / widths**2).sum(-1)
    inside = (weights * -torch.expm1(-0.5 * (radius[:, None] / widths) ** 2)).sum(-1)
    return radius - (inside - 0.5 * total) / slope.clamp(min=1e-6)
