"""Sersic profiles fitted to cutouts through their PSF: centre, size, shape, index and fluxes, many galaxies at a time.

Levenberg and Marquardt's way in six numbers, the fluxes of all bands by linear least squares within each step (Golub &
Pereyra 1973, SIAM J. Numer. Anal. 10, 413), with weak priors that keep faint galaxies from running away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .polar_gaussians import WIDTHS, centred, half_light, sersic_weights, shears, shift, smooth_spectrum

PARAMETERS = ("x", "y", "log_radius", "along", "across", "log_index")
"""Pixels from the stamp's centre, ln of pixels, |e| as a vector, ln of the Sersic index."""

_PRIOR = (0.0, 0.0, math.nan, 0.0, 0.0, math.log(1.6))
_PRIOR_WIDTH = (2.0, 2.0, 1.0, 0.35, 0.35, 0.7)
_STEPS = (0.02, 0.02, 0.01, 0.01, 0.01, 0.02)
_STEEPEST = 0.9
STARTS = (0.8, 1.6, 3.2, 6.4)
"""Radii in pixels that a fit starts from, the best of them."""

ITERATIONS = 14


@dataclass(frozen=True)
class Fitted:
    """What was found of n galaxies.

    Attributes
    ----------
    parameters : Tensor
        (n, 6), see `PARAMETERS`; the ellipticity is no more than 0.9.
    fluxes : Tensor
        (n, bands), in the images' unit.
    signal : Tensor
        (n,) total flux of all bands over its error: signal to noise.
    misfit : Tensor
        (n,) mean squared residual in units of the noise.
    """

    parameters: Tensor
    fluxes: Tensor
    signal: Tensor
    misfit: Tensor

    @property
    def radius(self) -> Tensor:
        """Half-light radii in pixels."""
        return torch.exp(self.parameters[:, 2])

    @property
    def ellipticity(self) -> Tensor:
        """|e| = (1 - q) / (1 + q)."""
        return torch.hypot(self.parameters[:, 3], self.parameters[:, 4]).clamp(max=_STEEPEST)

    @property
    def position_angle(self) -> Tensor:
        """Radians, counter-clockwise from +x."""
        return 0.5 * torch.atan2(self.parameters[:, 4], self.parameters[:, 3])


def fit_profiles(images: Tensor, weights: Tensor, transfer: Tensor | None, grid: int) -> Fitted:
    """Fit n galaxies.

    Parameters
    ----------
    images : Tensor
        (n, bands, side, side).
    weights : Tensor
        (n, bands, side, side) inverse variances, 0 where a pixel says nothing.
    transfer : Tensor, optional
        (n, bands, grid, grid // 2 + 1) transfer functions; none for images that are taken as they are.
    grid : int
        Pixels a side of the transforms, at least the images' side.
    """
    best: Tensor | None = None
    cost = torch.full((len(images),), math.inf)
    for start in STARTS:
        trial = torch.zeros(len(images), len(PARAMETERS))
        trial[:, 2], trial[:, 5] = math.log(start), _PRIOR[5]
        found = _cost(trial, images, weights, transfer, grid)[0]
        if best is None:
            best, cost = trial, found
        else:
            better = found < cost
            best, cost = torch.where(better[:, None], trial, best), torch.where(better, found, cost)
    assert best is not None
    parameters, damping = best, torch.full((len(images),), 1e-2)
    for _ in range(ITERATIONS):
        cost, residual, _ = _cost(parameters, images, weights, transfer, grid)
        columns = []
        for number, step in enumerate(_STEPS):
            moved = parameters.clone()
            moved[:, number] += step
            columns.append((_cost(moved, images, weights, transfer, grid)[1] - residual) / step)
        slopes = torch.stack(columns, dim=-1)
        matrix = slopes.transpose(-1, -2) @ slopes
        gradient = (slopes.transpose(-1, -2) @ residual[..., None])[..., 0]
        matrix = matrix + damping[:, None, None] * torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1) + 1e-6)
        step = -torch.linalg.solve(matrix, gradient).clamp(-1.0, 1.0)
        trial = _bounded(parameters + step, images.shape[-1])
        better = _cost(trial, images, weights, transfer, grid)[0] < cost
        parameters = torch.where(better[:, None], trial, parameters)
        damping = torch.where(better, damping * 0.3, damping * 5.0).clamp(1e-5, 1e4)
    _, residual, (fluxes, errors) = _cost(parameters, images, weights, transfer, grid)
    seen = (weights > 0).flatten(1).sum(1).clamp(min=1)
    misfit = residual[:, : -len(PARAMETERS)].square().sum(1) / seen
    signal = fluxes.sum(1) / errors.square().sum(1).sqrt()
    return Fitted(parameters, fluxes, signal, misfit)


def profile_images(parameters: Tensor, transfer: Tensor | None, grid: int, side: int) -> Tensor:
    """Images of profiles of flux 1, (n, bands or 1, side, side)."""
    radius, shape = torch.exp(parameters[:, 2]), torch.hypot(parameters[:, 3], parameters[:, 4])
    angle = 0.5 * torch.atan2(parameters[:, 4], parameters[:, 3])
    weights = sersic_weights(torch.exp(parameters[:, 5]))
    unit = half_light(weights, torch.tensor(WIDTHS).expand_as(weights))
    spectrum = smooth_spectrum(weights, radius / unit, shears(shape.clamp(max=_STEEPEST), angle), grid)
    moved = (spectrum * shift(parameters[:, :2], grid))[:, None]
    return centred(moved if transfer is None else moved * transfer, grid, side)


def _cost(
    parameters: Tensor, images: Tensor, weights: Tensor, transfer: Tensor | None, grid: int
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Sum of squares (n,), residuals (n, k) with those of the priors at the end, fluxes and their errors (n, bands)."""
    models = profile_images(parameters, transfer, grid, images.shape[-1]).expand_as(images)
    power = (weights * models * models).sum((-2, -1)).clamp(min=1e-20)
    fluxes = (weights * models * images).sum((-2, -1)) / power
    residual = (weights.sqrt() * (fluxes[..., None, None] * models - images)).flatten(1)
    middle = torch.tensor(_PRIOR)
    middle[2] = math.log(images.shape[-1] / 14.0)
    prior = (parameters - middle) / torch.tensor(_PRIOR_WIDTH)
    residual = torch.cat((residual, prior), dim=1)
    return residual.square().sum(1), residual, (fluxes, power.rsqrt())


def _bounded(parameters: Tensor, side: int) -> Tensor:
    x, y, log_radius, along, across, log_index = parameters.unbind(-1)
    length = torch.hypot(along, across)
    shrink = torch.where(length > _STEEPEST, _STEEPEST / length.clamp(min=1e-6), torch.ones_like(length))
    reach = side / 4
    return torch.stack(
        (
            x.clamp(-reach, reach),
            y.clamp(-reach, reach),
            log_radius.clamp(math.log(0.15), math.log(0.5 * side)),
            along * shrink,
            across * shrink,
            log_index.clamp(math.log(0.5), math.log(6.0)),
        ),
        dim=-1,
    )
