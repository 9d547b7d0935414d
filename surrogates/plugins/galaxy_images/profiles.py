"""GalSim profiles of each morphological class: unit-flux parts with their share of the flux in each band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from . import geometry, latents
from .colours import bulge_fractions
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .variables import BAND_LIMIT_FWHM, BANDS, MOFFAT_BETA, PSFS

HEIGHT_OVER_LENGTH = 0.12 * 6.0 / np.pi
"""Scale height over scale length of a sech^2 disc whose moments have the axis ratio 0.12 from the side."""

DISC_PIXELS = 128
DISC_STEP = 0.125
"""Grid on which the arms are drawn, in scale lengths: to 8 of them."""


@dataclass(frozen=True)
class Part:
    """A GalSim profile of flux 1, and its share of the galaxy's flux in each band."""

    profile: Any
    shares: np.ndarray


def parts(morphology: int, asked: Mapping[str, float], structure: Mapping[str, np.ndarray]) -> list[Part]:
    """Parts of one galaxy of a class; their shares sum to 1 in each band.

    Parameters
    ----------
    morphology : int
        Code of the class.
    asked : mapping
        `half_light_radius`, `ellipticity`, `position_angle`, `bulge_fraction`, `sersic_index`, `redshift`.
    structure : mapping
        What `latents.structure` gives, of this galaxy alone.
    """
    low, high = geometry.ellipticity_range(morphology)
    asked = {**asked, "ellipticity": min(max(asked["ellipticity"], low), high)}
    return {SPIRAL: _spiral, ELLIPTICAL: _elliptical, MERGER: _merger, EDGE_ON: _edge_on}[morphology](asked, structure)


def _elliptical(asked: Mapping[str, float], structure: Mapping[str, np.ndarray]) -> list[Part]:
    import galsim

    profile = galsim.Sersic(asked["sersic_index"], half_light_radius=asked["half_light_radius"])
    return [Part(_sheared(profile, asked["ellipticity"], asked["position_angle"]), np.ones(len(BANDS)))]


def _bulge_shares(asked: Mapping[str, float]) -> np.ndarray:
    return bulge_fractions(np.asarray(asked["bulge_fraction"]), np.asarray(asked["redshift"]))


def _bulge(asked: Mapping[str, float], morphology: int) -> Any:
    import galsim

    kind = np.asarray(morphology)
    radius = float(geometry.bulge_radius(np.asarray(asked["bulge_fraction"]), kind)) * asked["half_light_radius"]
    ellipticity = float(geometry.bulge_ellipticity(np.asarray(asked["ellipticity"]), kind))
    return _sheared(galsim.DeVaucouleurs(half_light_radius=radius), ellipticity, asked["position_angle"])


def _spiral(asked: Mapping[str, float], structure: Mapping[str, np.ndarray]) -> list[Part]:
    import galsim

    share = _bulge_shares(asked)
    radius = (
        float(geometry.disc_radius(np.asarray(asked["bulge_fraction"]), np.asarray(SPIRAL)))
        * asked["half_light_radius"]
    )
    length = radius / geometry.DISC_HALF_LIGHT
    disc = galsim.InterpolatedImage(
        galsim.Image(arms_image(structure), scale=DISC_STEP * length), flux=1.0, pad_factor=2.0
    )
    knots = galsim.Sum([galsim.DeltaFunction(1.0 / latents.KNOTS).shift(*(length * at)) for at in structure["knots"]])
    angle = asked["position_angle"]
    return [
        Part(_bulge(asked, SPIRAL), share),
        Part(_sheared(disc, asked["ellipticity"], angle), (1.0 - share) * (1.0 - latents.KNOT_FRACTION)),
        Part(_sheared(knots, asked["ellipticity"], angle), (1.0 - share) * latents.KNOT_FRACTION),
    ]


def arms_image(structure: Mapping[str, np.ndarray]) -> np.ndarray:
    """Surface brightness of a round disc with logarithmic arms on its grid; (DISC_PIXELS, DISC_PIXELS), sum 1.

    exp(-R) (1 + A(R) cos(m theta - m ln R / tan(pitch) - phase)), R in scale lengths.
    """
    radius, theta, disc = _disc_grid()
    crest = latents.arm_phase(radius, structure["arms"], structure["pitch"], structure["phase"])
    contrast = latents.arm_contrast(radius, structure["contrast"])
    image = disc * (1.0 + contrast * np.cos(structure["arms"] * theta - crest))
    return image / image.sum()


@cache
def _disc_grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = (np.arange(DISC_PIXELS) - (DISC_PIXELS - 1) / 2) * DISC_STEP
    x, y = np.meshgrid(at, at)
    radius = np.hypot(x, y)
    return radius, np.arctan2(y, x), np.exp(-radius)


def _edge_on(asked: Mapping[str, float], structure: Mapping[str, np.ndarray]) -> list[Part]:
    import galsim

    share = _bulge_shares(asked)
    ellipticity = np.asarray(asked["ellipticity"])
    circular = (
        float(geometry.disc_radius(np.asarray(asked["bulge_fraction"]), np.asarray(EDGE_ON)))
        * asked["half_light_radius"]
    )
    along = circular / float(np.sqrt(geometry.axis_ratio(ellipticity)) * geometry.edge_on_half_light(ellipticity))
    disc = galsim.InclinedExponential(
        float(geometry.inclination_of(ellipticity, np.asarray(EDGE_ON))) * galsim.degrees,
        scale_radius=along / geometry.DISC_HALF_LIGHT,
        scale_h_over_r=HEIGHT_OVER_LENGTH,
    )
    return [
        Part(_bulge(asked, EDGE_ON), share),
        Part(disc.rotate(asked["position_angle"] * galsim.degrees), 1.0 - share),
    ]


def _merger(asked: Mapping[str, float], structure: Mapping[str, np.ndarray]) -> list[Part]:
    import galsim

    scene = structure["merger"]
    radius = float(scene["radius"]) * asked["half_light_radius"]
    angles = (asked["position_angle"], float(structure["second_position_angle"]))
    ellipticities = (asked["ellipticity"], float(structure["second_ellipticity"]))
    nuclei = [
        _sheared(galsim.Sersic(asked["sersic_index"], half_light_radius=radius, flux=flux), ellipticity, angle).shift(
            *(radius * at)
        )
        for flux, at, ellipticity, angle in zip(scene["fluxes"], scene["centres"], ellipticities, angles, strict=True)
    ]
    sigma = float(structure["tail_width"]) * radius
    tail = [
        galsim.Gaussian(sigma=sigma, flux=flux).shift(*(radius * at))
        for flux, at in zip(scene["tail_fluxes"], scene["tail_centres"], strict=True)
    ]
    return [Part(galsim.Sum([*nuclei, *tail]), np.ones(len(BANDS)))]


def _sheared(profile: Any, ellipticity: float, position_angle: float) -> Any:
    import galsim

    return profile.shear(g=ellipticity, beta=position_angle * galsim.degrees)


def point_spread(psf: int, fwhm: float, image: np.ndarray | None, pixel_scale: float) -> list[Any]:
    """Profiles to convolve with beside the galaxy: the recorded Gaussian, and the asked PSF where there is one."""
    import galsim

    limit = galsim.Gaussian(fwhm=BAND_LIMIT_FWHM)
    kind = PSFS[psf]
    if kind == "none":
        return [limit]
    if kind == "gaussian":
        return [limit, galsim.Gaussian(fwhm=fwhm)]
    if kind == "moffat":
        return [limit, galsim.Moffat(beta=MOFFAT_BETA, fwhm=fwhm)]
    if kind == "kolmogorov":
        return [limit, galsim.Kolmogorov(fwhm=fwhm)]
    return [limit, galsim.InterpolatedImage(galsim.Image(np.asarray(image, np.float64), scale=pixel_scale), flux=1.0)]
