"""The parts of each galaxy as the renderer takes them: Gaussians about the centre, Gaussians elsewhere, knots, arms.

What GalSim draws as profiles stands here as mixtures of Gaussians, with the same parameters by the same laws; shear,
position angle, colours and the band limit are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...physics.galaxies.harmonics import Harmonics
from ...physics.galaxies.mixtures import SERSIC_WIDTHS, VERTICAL_WIDTHS, sersic_weights, vertical_weights
from ...physics.galaxies.optics import SIGMA, crop
from ...physics.galaxies.rendering import Arms, core_fluxes, covariance, draw_gaussians, draw_round
from . import geometry, latents
from .colours import bulge_fractions
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .observation import grid
from .profiles import DISC_STEP, HEIGHT_OVER_LENGTH
from .variables import BAND_LIMIT_FWHM, BANDS, STAMP

BLUR = SIGMA * BAND_LIMIT_FWHM
"""Standard deviation of the band limit, arcsec."""

SHAPE = ("half_light_radius", "ellipticity", "position_angle", "bulge_fraction", "sersic_index", "redshift")
"""Conditions that a galaxy's light depends on, beside its class."""

_EXPONENTIAL = slice(6, 20)  # widths that an exponential disc needs
_DISC_CUT = 1.0016767  # light of a disc over that within the square of 16 scale lengths on which the reference has it
_COARSEST = 0.16  # step of the reference's grid on the sky beyond which its points would show [arcsec]

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
    arms : tuple of Arms or of Harmonics
        One a galaxy, or none.
    disc : Tensor, optional
        (n, bands) share of the flux that the arms modulate.
    """

    gaussians: tuple[Gaussians, ...]
    round: Round | None = None
    arms: tuple[Arms | Harmonics, ...] = ()
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


def closed_forms(morphology: int, asked: Arrays, structure: Arrays) -> Scene:
    """Parts of n galaxies of a class.

    Parameters
    ----------
    morphology : int
        Code of the class.
    asked : mapping of ndarray
        (n,) by the names in `SHAPE`.
    structure : mapping of ndarray
        What `latents.structure` gives.
    """
    low, high = geometry.ellipticity_range(morphology)
    clipped = {**asked, "ellipticity": np.clip(asked["ellipticity"], low, high)}
    return {SPIRAL: _spiral, ELLIPTICAL: _elliptical, MERGER: _merger, EDGE_ON: _edge_on}[morphology](
        clipped, structure
    )


def _sersic(
    n: np.ndarray, radius: np.ndarray, ellipticity: np.ndarray, position_angle: np.ndarray, widths: slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """Weights (n, m) and covariances (n, m, 3) of sheared Sersic profiles with the band limit."""
    weights = sersic_weights(_tensor(n))[..., widths]
    width = torch.tensor(SERSIC_WIDTHS, dtype=torch.float64)[widths]
    variance = (_tensor(radius)[:, None] * width) ** 2
    q = _tensor(geometry.axis_ratio(ellipticity))[:, None]
    angle = _tensor(np.radians(position_angle))[:, None]
    weights = weights / weights.sum(-1, keepdim=True)
    return weights, covariance(variance / q + BLUR**2, variance * q + BLUR**2, angle)


@cache
def _disc_weights(n: float) -> Tensor:
    return sersic_weights(torch.tensor([n], dtype=torch.float64))


def _elliptical(asked: Arrays, structure: Arrays) -> Scene:
    shape = (asked["half_light_radius"], asked["ellipticity"], asked["position_angle"])
    weights, covariances = _sersic(asked["sersic_index"], *shape)
    return Scene((Gaussians(weights[:, None], covariances),))


def _bulge(asked: Arrays, morphology: int) -> tuple[Tensor, Tensor, Tensor]:
    """Flux shares by band (n, bands, m), covariances, and the disc's share (n, bands)."""
    share = _tensor(bulge_fractions(asked["bulge_fraction"], asked["redshift"]))
    radius = geometry.bulge_radius(asked["bulge_fraction"], np.asarray(morphology)) * asked["half_light_radius"]
    ellipticity = geometry.bulge_ellipticity(asked["ellipticity"], np.asarray(morphology))
    weights, covariances = _sersic(np.full(len(radius), 4.0), radius, ellipticity, asked["position_angle"])
    return share[..., None] * weights[:, None], covariances, 1.0 - share


def _spiral(asked: Arrays, structure: Arrays) -> Scene:
    bulge, bulge_covariances, share = _bulge(asked, SPIRAL)
    radius = geometry.disc_radius(asked["bulge_fraction"], np.asarray(SPIRAL)) * asked["half_light_radius"]
    length = radius / geometry.DISC_HALF_LIGHT
    shape = (radius, asked["ellipticity"], asked["position_angle"])
    weights, covariances = _sersic(np.ones(len(radius)), *shape, widths=_EXPONENTIAL)
    shear = _tensor(geometry.shear(asked["ellipticity"], asked["position_angle"]))
    knots = torch.einsum("nij,nkj->nki", shear, _tensor(structure["knots"])) * _tensor(length)[:, None, None]
    count = knots.shape[1]
    stretch = 1.0 / np.sqrt(geometry.axis_ratio(asked["ellipticity"]))
    number, phase, contrast = (_tensor(structure[name]) for name in ("arms", "phase", "contrast"))
    winding = number / torch.tan(_tensor(structure["pitch"]))
    core = core_fluxes(number, winding, phase, contrast, latents.ARM_SOFTENING, DISC_STEP)
    shown = _tensor(stretch * length * DISC_STEP < _COARSEST)
    numbers = zip(*(part.tolist() for part in (_tensor(length), number, winding, phase, contrast, shown)), strict=True)
    arms = tuple(
        Arms(size, shear[row], int(m), wind, start, depth, latents.ARM_SOFTENING, DISC_STEP * grid, core[row])
        for row, (size, m, wind, start, depth, grid) in enumerate(numbers)
    )
    whole = 1.0 + 2.0 * core.sum(-1) * (number % 2 == 0) * shown
    disc = share * ((1.0 - latents.KNOT_FRACTION) * _DISC_CUT / whole)[:, None]
    return Scene(
        (
            Gaussians(
                torch.cat((bulge, disc[..., None] * weights[:, None]), dim=-1),
                torch.cat((bulge_covariances, covariances), dim=-2),
            ),
        ),
        Round(
            (share * (latents.KNOT_FRACTION / count))[..., None].expand(-1, -1, count),
            torch.full(knots.shape[:2], BLUR**2, dtype=torch.float64),
            knots,
        ),
        arms,
        disc,
    )


def _edge_on(asked: Arrays, structure: Arrays) -> Scene:
    bulge, bulge_covariances, share = _bulge(asked, EDGE_ON)
    ellipticity = asked["ellipticity"]
    circular = geometry.disc_radius(asked["bulge_fraction"], np.asarray(EDGE_ON)) * asked["half_light_radius"]
    along = circular / (np.sqrt(geometry.axis_ratio(ellipticity)) * geometry.edge_on_half_light(ellipticity))
    inclination = _tensor(np.radians(geometry.inclination_of(ellipticity, np.asarray(EDGE_ON))))[:, None, None]
    width = torch.tensor(SERSIC_WIDTHS, dtype=torch.float64)[_EXPONENTIAL]
    plane = (_tensor(along)[:, None] * width)[..., None] ** 2
    height = HEIGHT_OVER_LENGTH / geometry.DISC_HALF_LIGHT * _tensor(along)[:, None]
    thickness = ((height * torch.tensor(VERTICAL_WIDTHS, dtype=torch.float64)) ** 2)[:, None]
    across = plane * torch.cos(inclination) ** 2 + thickness * torch.sin(inclination) ** 2
    angle = _tensor(np.radians(asked["position_angle"]))[:, None, None]
    covariances = covariance((plane + BLUR**2).expand_as(across), across + BLUR**2, angle)
    radial = _disc_weights(1.0)[0, _EXPONENTIAL]
    weights = (radial / radial.sum())[:, None] * vertical_weights()
    disc = share[..., None] * weights.flatten()
    return Scene(
        (
            Gaussians(
                torch.cat((bulge, disc), dim=-1), torch.cat((bulge_covariances, covariances.flatten(1, 2)), dim=-2)
            ),
        )
    )


def _merger(asked: Arrays, structure: Arrays) -> Scene:
    found = latents.merger_parts(dict(structure))
    radius = found["radius"] * asked["half_light_radius"]
    shapes = (
        (asked["ellipticity"], asked["position_angle"]),
        (structure["second_ellipticity"], structure["second_position_angle"]),
    )
    nuclei = []
    for part, (ellipticity, angle) in enumerate(shapes):
        weights, covariances = _sersic(asked["sersic_index"], radius, ellipticity, angle)
        fluxes = _tensor(found["fluxes"][:, part])[:, None, None] * weights[:, None]
        centre = _tensor(radius[:, None] * found["centres"][:, part])[:, None].expand(-1, weights.shape[-1], -1)
        nuclei.append(Gaussians(fluxes, covariances, centre))
    tail = _tensor(radius[:, None, None] * found["tail_centres"])
    sigma = _tensor(structure["tail_width"] * radius)[:, None]
    return Scene(
        tuple(nuclei),
        Round(_tensor(found["tail_fluxes"])[:, None], (sigma**2 + BLUR**2).expand(tail.shape[:2]), tail),
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(array, dtype=np.float64))


def draw_light(
    conditions: Mapping[str, Tensor], structure: Arrays, same_as: Tensor | None = None, build: Builder | None = None
) -> tuple[Tensor, Tensor]:
    """Intrinsic images of a batch on the grids that their PSFs and pixel scales need.

    Parameters
    ----------
    conditions : mapping of Tensor
        Complete, in schema units.
    structure : mapping of ndarray
        What `latents.structure` gives.
    same_as : Tensor, optional
        Rows that repeat another; they are drawn once.
    build : callable, optional
        Makes scenes of a class, as `closed_forms` does.

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
    make = build or closed_forms
    scenes = {kind: make(kind, asked, structure) for kind in sorted(kinds)}
    kind_of_psf = conditions["psf"].tolist()
    widest = torch.stack([conditions[f"psf_fwhm_{band}"].double() for band in BANDS]).amax(0).tolist()
    pixel_scale = conditions["pixel_scale"].double().tolist()
    grids = [grid(*of_row) for of_row in zip(kind_of_psf, widest, pixel_scale, strict=True)]
    largest = max((size for size, _ in grids), default=STAMP)
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
