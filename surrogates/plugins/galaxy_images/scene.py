"""The parts of each galaxy as the renderer takes them: Gaussians about the centre, Gaussians elsewhere, knots, arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...physics.galaxies.harmonics import Harmonics
from ...physics.galaxies.optics import SIGMA, crop
from ...physics.galaxies.rendering import draw_gaussians, draw_round
from .observation import grid, stamp_size
from .variables import BAND_LIMIT_FWHM, BANDS

BLUR = SIGMA * BAND_LIMIT_FWHM
"""Standard deviation of the band limit, arcsec."""

SHAPE = ("half_light_radius", "ellipticity", "position_angle", "bulge_fraction", "sersic_index", "redshift")
"""Conditions that a galaxy's light depends on, beside its class."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Gaussians:
    """Gaussians of n galaxies: fluxes (n, bands or 1, m), covariances (n, m, 3), centres (n, m, 2) or the stamp's."""

    fluxes: Tensor
    covariances: Tensor
    centres: Tensor | None = None


@dataclass(frozen=True)
class Round:
    """Round Gaussians: fluxes (n, bands or 1, m), variances (n, m), centres (n, m, 2)."""

    fluxes: Tensor
    variances: Tensor
    centres: Tensor


@dataclass(frozen=True)
class Scene:
    """Parts of n galaxies of one class; shares of the flux sum to 1 in each band.

    Attributes
    ----------
    gaussians : tuple of Gaussians
    round : Round, optional
    arms : tuple of Harmonics
        One a galaxy, or none.
    disc : Tensor, optional
        (n, bands) share of the flux that the arms modulate.
    """

    gaussians: tuple[Gaussians, ...]
    round: Round | None = None
    arms: tuple[Harmonics, ...] = ()
    disc: Tensor | None = None

    def draw(self, row: int, size: int, scale: float) -> Tensor:
        """Share of one galaxy's flux in each pixel, (bands or 1, size, size) float32."""
        image: Tensor | float = 0.0
        for group in self.gaussians:
            centres = None if group.centres is None else group.centres[row]
            image = image + draw_gaussians(group.fluxes[row], group.covariances[row], centres, size, scale)
        if self.round is not None:
            group = self.round
            image = image + draw_round(group.fluxes[row], group.variances[row], group.centres[row], size, scale)
        if self.disc is not None:
            arms = self.arms[row].draw(BLUR, size, scale)
            image = image + self.disc[row].float()[:, None, None] * arms
        assert isinstance(image, Tensor)
        return image


Builder = Callable[[int, Arrays, Arrays], Scene]


def draw_light(
    conditions: Mapping[str, Tensor], structure: Arrays, build: Builder, same_as: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Intrinsic images of a batch on the grids that their PSFs and pixel scales need.

    Parameters
    ----------
    conditions : mapping of Tensor
        Complete, in schema units.
    structure : mapping of ndarray
        What `latents.structure` gives.
    build : callable
        Makes scenes of a class, as `learned_scene.build` does.
    same_as : Tensor, optional
        Rows that repeat another; they are drawn once.

    Returns
    -------
    light : Tensor
        (n, bands, m, m) float32, share of the flux in each pixel; m is the largest of the batch's grids, and smaller
        ones stand in the middle of zeros.
    scale : Tensor
        (n,) pixel scales [arcsec].
    """
    asked = {name: conditions[name].double().cpu().numpy() for name in SHAPE}
    first, second = (conditions[name].cpu().numpy().astype(np.int64) for name in ("morphology", "blend_with"))
    share = np.where(second >= 0, conditions["blend_fraction"].double().cpu().numpy(), 0.0)
    kinds = {int(kind) for kind in (*first, *second[share > 0.0])}
    scenes = {kind: build(kind, asked, structure) for kind in sorted(kinds)}
    kind_of_psf = conditions["psf"].tolist()
    widest = torch.stack([conditions[f"psf_fwhm_{band}"].double() for band in BANDS]).amax(0).tolist()
    pixel_scale = conditions["pixel_scale"].double().tolist()
    stamp = stamp_size(conditions)
    grids = [grid(*of_row, stamp) for of_row in zip(kind_of_psf, widest, pixel_scale, strict=True)]
    largest = max((size for size, _ in grids), default=stamp)
    light = torch.zeros(len(first), len(BANDS), largest, largest)
    rows = range(len(first)) if same_as is None else same_as.tolist()
    for row, original in enumerate(rows):
        if original != row:
            light[row] = light[original]
            continue
        size, scale = grids[row]
        image = (1.0 - share[row]) * scenes[first[row]].draw(row, size, scale)
        if share[row] > 0.0:
            image = image + share[row] * scenes[second[row]].draw(row, size, scale)
        crop(light[row], size)[...] = image
    return light, torch.tensor([scale for _, scale in grids], dtype=torch.float64)
