"""What galaxies cannot be: combinations of conditions that no bound on one of them refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...contract.schema import Limit
from . import geometry
from .geometry import EDGE_ON, SPIRAL
from .prior import widest_psf
from .variables import BANDS, LARGEST_STAMP, MORPHOLOGIES, PIXEL_SCALE, PSFS

Values = Mapping[str, Any]

ELLIPTICITY_SLACK = 0.01
"""How far |e| may lie from what the inclination says."""

_PSF = ("psf", *(f"psf_fwhm_{band}" for band in BANDS))


def _fits_its_stamp(values: Values) -> np.ndarray:
    needed = geometry.stamp_needed(values["half_light_radius"], values["ellipticity"], widest_psf(values))
    return needed <= geometry.stamp_side(values["pixel_scale"], values["size"]) * (1.0 + 1e-9)


def _stamp(values: Values) -> str:
    needed = float(geometry.stamp_needed(values["half_light_radius"], values["ellipticity"], widest_psf(values)))
    size, scale = int(values["size"]), float(values["pixel_scale"])
    there, least = float(geometry.stamp_side(values["pixel_scale"], size)), needed / size
    way = (
        f"a pixel scale of {np.ceil(least * 1e3) / 1e3:g} arcsec or more"
        if scale < least <= 0.1
        else "a smaller galaxy"
    )
    if size < LARGEST_STAMP and needed <= float(geometry.stamp_side(values["pixel_scale"], LARGEST_STAMP)):
        way += f", or size={LARGEST_STAMP}"
    return (
        f"a galaxy that fits its stamp: this one needs {needed:.2f} arcsec ({int(np.ceil(needed / scale))} pixels of "
        f"{scale:g}), the stamp shows {there:.2f} ({size} pixels, {size * PIXEL_SCALE:.1f} arcsec at most); ask {way}"
    )


def _shape_of_its_class(values: Values) -> np.ndarray:
    ranges = np.array([geometry.ellipticity_range(code) for code in range(len(MORPHOLOGIES))])
    low, high = ranges[np.asarray(values["morphology"], dtype=np.int64)].T
    return (values["ellipticity"] >= low - ELLIPTICITY_SLACK) & (values["ellipticity"] <= high + ELLIPTICITY_SLACK)


def _range_of_its_class(values: Values) -> str:
    code = int(values["morphology"])
    low, high = geometry.ellipticity_range(code)
    angles = f"{geometry.EDGE_ON_INCLINATION:g} to 90 deg" if code == EDGE_ON else "any"
    return f"|e| of {low:.3f} to {high:.3f} for {MORPHOLOGIES[code]} (inclination {angles})"


def _agreeing(values: Values) -> np.ndarray:
    kind = np.asarray(values["morphology"])
    shown = geometry.ellipticity_of(values["inclination"], kind)
    disc = (kind == SPIRAL) | (kind == EDGE_ON)
    return ~disc | (np.abs(shown - values["ellipticity"]) <= ELLIPTICITY_SLACK)


def _agreement(values: Values) -> str:
    kind = np.asarray(values["morphology"])
    ellipticity = float(geometry.ellipticity_of(values["inclination"], kind))
    inclination = float(geometry.inclination_of(values["ellipticity"], kind))
    return (
        f"|e| = {ellipticity:.3f} at this inclination, or an inclination of {inclination:.1f} deg at this |e|; "
        "give one of them"
    )


def _blended(values: Values) -> np.ndarray:
    return (values["blend_fraction"] == 0.0) | (np.asarray(values["blend_with"]) >= 0)


def _has_its_image(values: Values) -> np.ndarray:
    asked = np.asarray(values["psf"]) == PSFS.index("image")
    image = np.asarray(values["psf_image"])
    usable = np.isfinite(image).all(axis=(-2, -1)) & (image.sum(axis=(-2, -1)) > 0)
    return ~asked | usable


LIMITS: tuple[Limit, ...] = (
    Limit(("blend_fraction", "blend_with"), _blended, "blend_with, the class that is blended in"),
    Limit(("morphology", "ellipticity"), _shape_of_its_class, _range_of_its_class),
    Limit(("morphology", "ellipticity", "inclination"), _agreeing, _agreement),
    Limit(("half_light_radius", "ellipticity", "pixel_scale", "size", *_PSF), _fits_its_stamp, _stamp),
    Limit(("psf", "psf_image"), _has_its_image, "a psf_image of finite pixels whose sum is above 0"),
)
