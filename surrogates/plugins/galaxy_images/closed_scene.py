"""Galaxies from closed forms, as parts of one colour each: profiles, knots, arms, drawn for several at a time.

What GalSim draws as profiles stands here as mixtures of Gaussians, with the same parameters by the same laws; shear,
position angle, colours and the band limit are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...physics.galaxies.arms import Arms, core_fluxes, draw_arms
from ...physics.galaxies.concentric import Profile, draw_profiles, profile
from ...physics.galaxies.mixtures import SERSIC_WIDTHS, VERTICAL_WIDTHS, sersic_weights, vertical_weights
from ...physics.galaxies.optics import crop
from ...physics.galaxies.rendering import covariance, draw_rounds
from . import geometry, latents
from .colours import bulge_fractions
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .observation import grid, stamp_size
from .profiles import DISC_STEP, HEIGHT_OVER_LENGTH
from .scene import BLUR, SHAPE, Arrays
from .variables import BANDS

_NARROW = (1.0 + 0.3**2) * BLUR**2  # variance up to which the Gaussians of a profile are drawn as one
_MOST = 2  # parts of a class
_AT_ONCE = 16  # galaxies drawn at a time, so that their images stay in the cache
_EXPONENTIAL = slice(6, 20)  # widths that an exponential disc needs
_DISC_CUT = 1.0016767  # light of a disc over that within the square of 16 scale lengths on which the reference has it
_COARSEST = 0.16  # step of the reference's grid on the sky beyond which its points would show [arcsec]


@dataclass(frozen=True)
class Round:
    """Round Gaussians: fluxes (n, m), variances (n, m), centres (n, m, 2)."""

    fluxes: Tensor
    variances: Tensor
    centres: Tensor


@dataclass(frozen=True)
class Part:
    """What has one colour in n galaxies of a class; its fluxes sum to 1.

    Attributes
    ----------
    share : Tensor
        (n, bands) of the galaxy's flux in each band.
    profiles : tuple of Profile
    round : Round, optional
    arms : tuple of Arms and Tensor, optional
        With the flux that they modulate, (n,).
    """

    share: Tensor
    profiles: tuple[Profile, ...]
    round: Round | None = None
    arms: tuple[Arms, Tensor] | None = None

    def draw(self, rows: Sequence[int], size: int, scale: float) -> Tensor:
        """Share of its flux in each pixel, (rows, size, size) float32."""
        image = draw_profiles(self.profiles[0], rows, size, scale)
        for other in self.profiles[1:]:
            image += draw_profiles(other, rows, size, scale)
        chosen = list(rows)
        if self.round is not None:
            group = self.round
            image += draw_rounds(group.fluxes[chosen], group.variances[chosen], group.centres[chosen], size, scale)
        if self.arms is not None:
            arms, flux = self.arms
            image += flux[chosen].float()[:, None, None] * draw_arms(arms, rows, BLUR, size, scale)
        return image


Scene = tuple[Part, ...]
"""Parts of n galaxies of one class; shares of the flux sum to 1 in each band."""


def build(morphology: int, asked: Arrays, structure: Arrays) -> Scene:
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
    n: np.ndarray,
    radius: np.ndarray,
    ellipticity: np.ndarray,
    position_angle: np.ndarray,
    widths: slice = slice(None),
    flux: Tensor | None = None,
    centres: Tensor | None = None,
) -> Profile:
    """Sheared Sersic profiles with the band limit, of unit flux or of `flux` (n,)."""
    weights = sersic_weights(_tensor(n))[..., widths]
    width = torch.tensor(SERSIC_WIDTHS, dtype=torch.float64)[widths]
    variance = (_tensor(radius)[:, None] * width) ** 2
    q = _tensor(geometry.axis_ratio(ellipticity))[:, None]
    angle = _tensor(np.radians(position_angle))[:, None]
    weights = weights / weights.sum(-1, keepdim=True)
    weights = weights if flux is None else weights * flux[:, None]
    return profile(weights, covariance(variance / q + BLUR**2, variance * q + BLUR**2, angle), _NARROW, centres)


@cache
def _disc_weights(n: float) -> Tensor:
    return sersic_weights(torch.tensor([n], dtype=torch.float64))


def _grey(n: int) -> Tensor:
    return torch.ones((n, len(BANDS)), dtype=torch.float64)


def _elliptical(asked: Arrays, structure: Arrays) -> Scene:
    shape = (asked["half_light_radius"], asked["ellipticity"], asked["position_angle"])
    return (Part(_grey(len(asked["sersic_index"])), (_sersic(asked["sersic_index"], *shape),)),)


def _bulge(asked: Arrays, morphology: int) -> Part:
    share = _tensor(bulge_fractions(asked["bulge_fraction"], asked["redshift"]))
    radius = geometry.bulge_radius(asked["bulge_fraction"], np.asarray(morphology)) * asked["half_light_radius"]
    ellipticity = geometry.bulge_ellipticity(asked["ellipticity"], np.asarray(morphology))
    return Part(share, (_sersic(np.full(len(radius), 4.0), radius, ellipticity, asked["position_angle"]),))


def _spiral(asked: Arrays, structure: Arrays) -> Scene:
    bulge = _bulge(asked, SPIRAL)
    radius = geometry.disc_radius(asked["bulge_fraction"], np.asarray(SPIRAL)) * asked["half_light_radius"]
    length = radius / geometry.DISC_HALF_LIGHT
    shape = (radius, asked["ellipticity"], asked["position_angle"])
    shear = _tensor(geometry.shear(asked["ellipticity"], asked["position_angle"]))
    knots = torch.einsum("nij,nkj->nki", shear, _tensor(structure["knots"])) * _tensor(length)[:, None, None]
    count = knots.shape[1]
    stretch = 1.0 / np.sqrt(geometry.axis_ratio(asked["ellipticity"]))
    number, phase, contrast = (_tensor(structure[name]) for name in ("arms", "phase", "contrast"))
    winding = number / torch.tan(_tensor(structure["pitch"]))
    core = core_fluxes(number, winding, phase, contrast, latents.ARM_SOFTENING, DISC_STEP)
    shown = _tensor(stretch * length * DISC_STEP < _COARSEST)
    whole = 1.0 + 2.0 * core.sum(-1) * (number % 2 == 0) * shown
    disc = (1.0 - latents.KNOT_FRACTION) * _DISC_CUT / whole
    shape_of_arms = (_tensor(length), shear, number, winding, phase, contrast)
    arms = Arms(*shape_of_arms, latents.ARM_SOFTENING, DISC_STEP, (shown > 0).tolist(), core)
    round_ = Round(
        torch.full(knots.shape[:2], latents.KNOT_FRACTION / count, dtype=torch.float64),
        torch.full(knots.shape[:2], BLUR**2, dtype=torch.float64),
        knots,
    )
    smooth = _sersic(np.ones(len(radius)), *shape, widths=_EXPONENTIAL, flux=disc)
    return bulge, Part(1.0 - bulge.share, (smooth,), round_, (arms, disc))


def _edge_on(asked: Arrays, structure: Arrays) -> Scene:
    bulge = _bulge(asked, EDGE_ON)
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
    weights = ((radial / radial.sum())[:, None] * vertical_weights()).flatten()
    disc = profile(weights.expand(len(along), -1), covariances.flatten(1, 2), _NARROW)
    return bulge, Part(1.0 - bulge.share, (disc,))


def _merger(asked: Arrays, structure: Arrays) -> Scene:
    found = latents.merger_parts(dict(structure))
    radius = found["radius"] * asked["half_light_radius"]
    shapes = (
        (asked["ellipticity"], asked["position_angle"]),
        (structure["second_ellipticity"], structure["second_position_angle"]),
    )
    nuclei = tuple(
        _sersic(
            asked["sersic_index"],
            radius,
            *shape,
            flux=_tensor(found["fluxes"][:, part]),
            centres=_tensor(radius[:, None] * found["centres"][:, part]),
        )
        for part, shape in enumerate(shapes)
    )
    tail = _tensor(radius[:, None, None] * found["tail_centres"])
    sigma = _tensor(structure["tail_width"] * radius)[:, None]
    along = Round(_tensor(found["tail_fluxes"]), (sigma**2 + BLUR**2).expand(tail.shape[:2]), tail)
    return (Part(_grey(len(radius)), nuclei, along),)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(array, dtype=np.float64))


@dataclass(frozen=True)
class Drawn:
    """Galaxies of a batch as parts of one colour each.

    Attributes
    ----------
    light : Tensor
        (n, parts, m, m) float32, share of a part's flux in each pixel; m is the largest of the batch's grids, and a
        smaller one stands in the middle. What lies about it, and parts beyond `count`, hold no number.
    share : Tensor
        (n, bands, parts) float32, of the galaxy's flux in each band; 0 for parts beyond `count`.
    count : list of int
        Parts of each galaxy.
    scale : Tensor
        (n,) pixel scales [arcsec].
    size : list of int
        Pixels a side of each grid.
    """

    light: Tensor
    share: Tensor
    count: list[int]
    scale: Tensor
    size: list[int]


def draw_parts(conditions: Mapping[str, Tensor], structure: Arrays, same_as: Tensor | None = None) -> Drawn:
    """Intrinsic images of a batch on the grids that their PSFs and pixel scales need.

    Parameters
    ----------
    conditions : mapping of Tensor
        Complete, in schema units.
    structure : mapping of ndarray
        What `latents.structure` gives.
    same_as : Tensor, optional
        Rows that repeat another; they are drawn once.
    """
    asked = {name: conditions[name].double().cpu().numpy() for name in SHAPE}
    first, second = (conditions[name].cpu().numpy().astype(np.int64) for name in ("morphology", "blend_with"))
    fraction = np.where(second >= 0, conditions["blend_fraction"].double().cpu().numpy(), 0.0)
    widest = torch.stack([conditions[f"psf_fwhm_{band}"].double() for band in BANDS]).amax(0).tolist()
    asked_of = (conditions["psf"].tolist(), widest, conditions["pixel_scale"].double().tolist())
    stamp = stamp_size(conditions)
    grids = [grid(*of_row, stamp) for of_row in zip(*asked_of, strict=True)]
    largest = max((size for size, _ in grids), default=stamp)
    n = len(first)
    originals = np.arange(n) if same_as is None else same_as.cpu().numpy()
    once = originals == np.arange(n)
    pieces = [(first, 1.0 - fraction, once), (second, fraction, once & (fraction > 0.0))]
    count = np.zeros(n, dtype=np.int64)
    light = torch.empty(n, 2 * _MOST if bool(pieces[1][2].any()) else _MOST, largest, largest)
    share = torch.zeros(n, len(BANDS), light.shape[1], dtype=torch.float64)
    for kinds, weight, there in pieces:
        for kind in np.unique(kinds[there]).tolist():
            rows = np.flatnonzero(there & (kinds == kind))
            own = {name: values[rows] for name, values in asked.items()}
            scene = build(kind, own, {name: values[rows] for name, values in structure.items()})
            for number, part in enumerate(scene):
                place = torch.from_numpy(count[rows] + number)
                share[rows, :, place] = _tensor(weight[rows])[:, None] * part.share
                for (size, scale), places in _alike([grids[row] for row in rows]).items():
                    for chosen in _some(places):
                        images = part.draw(chosen, size, scale)
                        for image, at in zip(images, chosen, strict=True):
                            crop(light[rows[at], int(place[at])], size)[...] = image
            count[rows] += len(scene)
    for row in np.flatnonzero(~once).tolist():
        original = int(originals[row])
        count[row] = count[original]
        light[row, : count[row]], share[row] = light[original, : count[row]], share[original]
    scales = torch.tensor([scale for _, scale in grids], dtype=torch.float64)
    return Drawn(light, share.float(), count.tolist(), scales, [size for size, _ in grids])


def _alike(grids: list[tuple[int, float]]) -> dict[tuple[int, float], list[int]]:
    """Places of equal grids."""
    found: dict[tuple[int, float], list[int]] = {}
    for place, own in enumerate(grids):
        found.setdefault(own, []).append(place)
    return found


def _some(places: list[int]) -> list[list[int]]:
    return [places[first : first + _AT_ONCE] for first in range(0, len(places), _AT_ONCE)]


def draw_light(conditions: Mapping[str, Tensor], structure: Arrays) -> tuple[Tensor, Tensor]:
    """Intrinsic images of a batch in all bands.

    Returns
    -------
    light : Tensor
        (n, bands, m, m) float32, share of the flux in each pixel; a grid smaller than the largest stands in the
        middle of zeros.
    scale : Tensor
        (n,) pixel scales [arcsec].
    """
    drawn = draw_parts(conditions, structure)
    light = torch.zeros(len(drawn.light), len(BANDS), *drawn.light.shape[-2:])
    for row, (size, parts) in enumerate(zip(drawn.size, drawn.count, strict=True)):
        mixture = drawn.share[row, :, :parts] @ crop(drawn.light[row, :parts], size).flatten(1)
        crop(light[row], size)[...] = mixture.view(-1, size, size)
    return light, drawn.scale
