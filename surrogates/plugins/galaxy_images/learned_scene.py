"""Parts that the learned generator made, where they belong on the sky: sizes, shear, shifts and colours are exact."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...physics.galaxies.harmonics import Harmonics
from ...physics.galaxies.rendering import covariance
from . import geometry
from .colours import bulge_fractions
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .latents import TAIL
from .parts import RINGS
from .scene import BLUR, Arrays, Gaussians, Round, Scene

PROFILE_WIDTHS = tuple(np.geomspace(0.002, 18.0, 26).tolist())
"""Standard deviations of the Gaussians of a profile, in half-light radii (a disc's: scale lengths)."""

RADIAL_WIDTHS = tuple(np.geomspace(0.05, 4.2, 12).tolist())
THICKNESSES = tuple(np.geomspace(0.07, 0.65, 6).tolist())
"""Standard deviations in and across the plane of the Gaussians of a disc seen from its side, in scale lengths."""


_DISC = slice(8, 22)  # widths that a round disc needs


def build(morphology: int, asked: Arrays, made: Arrays) -> Scene:
    """Parts of n galaxies of a class.

    Parameters
    ----------
    morphology : int
        Code of the class.
    asked : mapping of ndarray
        (n,) by the names in `scene.SHAPE`.
    made : mapping of ndarray
        What the networks made: `spheroid`, `bulge`, `round_disc` (n, widths) weights; `oblate` (n, radial, thickness);
        `amplitude`, `phase` (n, m, rings), `knots` (n, knots, 2) and `knot_share` (n, knots) of discs; `merger`
        (n, numbers) with `merger_angle` and `merger_mirrored`.
    """
    low, high = geometry.ellipticity_range(morphology)
    clipped = {**asked, "ellipticity": np.clip(asked["ellipticity"], low, high)}
    return {SPIRAL: _spiral, ELLIPTICAL: _elliptical, MERGER: _merger, EDGE_ON: _edge_on}[morphology](clipped, made)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(array, dtype=np.float64))


def sheared(radius: np.ndarray, ellipticity: np.ndarray, position_angle: np.ndarray) -> Tensor:
    """Covariances (n, widths, 3) of the Gaussians of a profile of this size, sheared, with the band limit."""
    variance = (_tensor(radius)[:, None] * torch.tensor(PROFILE_WIDTHS, dtype=torch.float64)) ** 2
    q = _tensor(geometry.axis_ratio(ellipticity))[:, None]
    angle = _tensor(np.radians(position_angle))[:, None]
    return covariance(variance / q + BLUR**2, variance * q + BLUR**2, angle)


def _elliptical(asked: Arrays, made: Arrays) -> Scene:
    covariances = sheared(asked["half_light_radius"], asked["ellipticity"], asked["position_angle"])
    return Scene((Gaussians(_tensor(made["spheroid"])[:, None], covariances),))


def _bulge(asked: Arrays, made: Arrays, morphology: int) -> tuple[Tensor, Tensor, Tensor]:
    """Flux shares by band (n, bands, widths), covariances, and the disc's share (n, bands)."""
    kind = np.asarray(morphology)
    share = _tensor(bulge_fractions(asked["bulge_fraction"], asked["redshift"]))
    radius = geometry.bulge_radius(asked["bulge_fraction"], kind) * asked["half_light_radius"]
    covariances = sheared(radius, geometry.bulge_ellipticity(asked["ellipticity"], kind), asked["position_angle"])
    return share[..., None] * _tensor(made["bulge"])[:, None], covariances, 1.0 - share


def _spiral(asked: Arrays, made: Arrays) -> Scene:
    bulge, bulge_covariances, share = _bulge(asked, made, SPIRAL)
    radius = geometry.disc_radius(asked["bulge_fraction"], np.asarray(SPIRAL)) * asked["half_light_radius"]
    length = radius / geometry.DISC_HALF_LIGHT
    weights = _tensor(made["round_disc"])[:, _DISC]
    weights = weights / weights.sum(-1, keepdim=True)
    covariances = sheared(length, asked["ellipticity"], asked["position_angle"])[:, _DISC]
    shear = _tensor(geometry.shear(asked["ellipticity"], asked["position_angle"]))
    knots = torch.einsum("nij,nkj->nki", shear, _tensor(made["knots"])) * _tensor(length)[:, None, None]
    of_knots = _tensor(made["knot_share"])
    step = math.log(RINGS[1] / RINGS[0])
    variance = torch.tensor(PROFILE_WIDTHS[_DISC], dtype=torch.float64) ** 2
    rings = torch.exp(-0.5 * torch.tensor(RINGS)[:, None] ** 2 / variance) / (2.0 * math.pi * variance)
    light = torch.log((weights @ rings.T).clamp(min=1e-30))
    amplitude, phase = _tensor(made["amplitude"]), _tensor(made["phase"])
    arms = tuple(
        Harmonics(size, shear[row], math.log(RINGS[0]), step, light[row], amplitude[row], phase[row])
        for row, size in enumerate(length.tolist())
    )
    disc = share * (1.0 - of_knots.sum(-1, keepdim=True))
    smooth = Gaussians(
        torch.cat((bulge, disc[..., None] * weights[:, None]), dim=-1),
        torch.cat((bulge_covariances, covariances), dim=-2),
    )
    points = Round(
        share[..., None] * of_knots[:, None], torch.full(knots.shape[:2], BLUR**2, dtype=torch.float64), knots
    )
    return Scene((smooth,), points, arms, disc)


def _edge_on(asked: Arrays, made: Arrays) -> Scene:
    bulge, bulge_covariances, share = _bulge(asked, made, EDGE_ON)
    ellipticity = asked["ellipticity"]
    circular = geometry.disc_radius(asked["bulge_fraction"], np.asarray(EDGE_ON)) * asked["half_light_radius"]
    along = circular / (np.sqrt(geometry.axis_ratio(ellipticity)) * geometry.edge_on_half_light(ellipticity))
    length = _tensor(along / geometry.DISC_HALF_LIGHT)[:, None, None]
    inclination = _tensor(np.radians(geometry.inclination_of(ellipticity, np.asarray(EDGE_ON))))[:, None, None]
    plane = (length * torch.tensor(RADIAL_WIDTHS, dtype=torch.float64)[:, None]) ** 2
    height = (length * torch.tensor(THICKNESSES, dtype=torch.float64)) ** 2
    across = plane * torch.cos(inclination) ** 2 + height * torch.sin(inclination) ** 2 + BLUR**2
    angle = _tensor(np.radians(asked["position_angle"]))[:, None, None]
    covariances = covariance((plane + BLUR**2).expand_as(across), across, angle).flatten(1, 2)
    disc = share[..., None] * _tensor(made["oblate"]).flatten(1)[:, None]
    return Scene((Gaussians(torch.cat((bulge, disc), dim=-1), torch.cat((bulge_covariances, covariances), dim=-2)),))


def _merger(asked: Arrays, made: Arrays) -> Scene:
    numbers = _tensor(made["merger"])
    ratio, separation, log_radius, along, diagonal, log_width = numbers[:, :6].unbind(-1)
    log_light, x, y = numbers[:, 6:].unflatten(1, (3, TAIL)).unbind(1)
    mirror = torch.where(torch.from_numpy(np.asarray(made["merger_mirrored"])), -1.0, 1.0).double()
    turn = _tensor(made["merger_angle"])
    radius = torch.exp(log_radius) * _tensor(asked["half_light_radius"])
    tail_light = torch.exp(log_light)
    whole = 1.0 + tail_light.sum(1)
    second = torch.sigmoid(ratio)
    fluxes = torch.stack((1.0 - second, second), -1) / whole[:, None]
    cosine, sine = torch.cos(turn), torch.sin(turn)
    centres = torch.stack((-separation * second, separation * (1.0 - second)), -1)[..., None] * torch.stack(
        (cosine, sine), -1
    ).unsqueeze(1)
    y = y * mirror[:, None]
    path = (
        torch.stack((x * cosine[:, None] - y * sine[:, None], x * sine[:, None] + y * cosine[:, None]), -1)
        + centres[:, 1:]
    )
    second_angle = (0.5 * torch.atan2(diagonal * mirror, along) + turn).numpy()
    second_shape = torch.hypot(along, diagonal).clamp(max=0.85).numpy()
    shapes = ((asked["ellipticity"], asked["position_angle"]), (second_shape, np.degrees(second_angle)))
    weights = _tensor(made["spheroid"])[:, None]
    nuclei = tuple(
        Gaussians(
            fluxes[:, part, None, None] * weights,
            sheared(radius.numpy(), ellipticity, angle),
            (radius[:, None] * centres[:, part])[:, None].expand(-1, weights.shape[-1], -1),
        )
        for part, (ellipticity, angle) in enumerate(shapes)
    )
    places = radius[:, None, None] * path
    variance = ((torch.exp(log_width) * radius) ** 2 + BLUR**2)[:, None].expand(places.shape[:2])
    return Scene(nuclei, Round((tail_light / whole[:, None])[:, None], variance, places))
