"""Conditions and outputs of galaxy images: names, units, ranges, and the fixed sizes of a stamp."""

from __future__ import annotations

from typing import Any

from ...contract.schema import Dimension, Schema, Variable

MORPHOLOGIES = ("spiral", "elliptical", "merger", "edge_on")
BANDS = ("g", "r", "i")
PSFS = ("none", "gaussian", "moffat", "kolmogorov", "image")

STAMP = 64
"""Pixels a side of a stamp where nothing else is asked, and of every training image."""

LARGEST_STAMP = 128
STAMP_STEP = 32
"""Stamps have a multiple of it of pixels a side, from `STAMP` to `LARGEST_STAMP`."""

PIXEL_SCALE = 0.1
"""Default pixel scale, arcsec, and that of the models' intrinsic images."""

BAND_LIMIT_FWHM = 0.2
"""FWHM of the Gaussian that every intrinsic image is convolved with, arcsec."""

MOFFAT_BETA = 3.5
ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""

PSF_IMAGE = 41
"""Pixels a side of a PSF given as an image; its centre is the middle pixel."""


def _in_bands(prefix: str, long_name: str, units: str, **more: Any) -> tuple[Variable, ...]:
    return tuple(Variable(f"{prefix}_{band}", f"{long_name}, {band} band", units, **more) for band in BANDS)


CONDITIONS = Schema(
    (
        Variable("morphology", "morphological class", dtype="int8", categories=MORPHOLOGIES, optional=True),
        Variable(
            "blend_with",
            "second morphological class, blended in; none where -1",
            dtype="int8",
            categories=MORPHOLOGIES,
            optional=True,
        ),
        Variable("blend_fraction", "flux fraction of the second class", bounds=(0.0, 0.5), default=0.0),
        Variable(
            "half_light_radius",
            "circularised half-light radius in r before the 0.2 arcsec Gaussian and the PSF",
            "arcsec",
            bounds=(0.25, 1.5),
            optional=True,
        ),
        *_in_bands("magnitude", "total apparent AB magnitude", "mag", bounds=(17.0, 28.0), optional=True),
        Variable("ellipticity", "(1 - q) / (1 + q) of the axis ratio q", bounds=(0.0, 0.9), optional=True),
        Variable(
            "position_angle",
            "angle of the major axis, counter-clockwise from +x",
            "deg",
            bounds=(0.0, 180.0),
            optional=True,
        ),
        Variable("bulge_fraction", "bulge-to-total flux ratio in r", bounds=(0.0, 1.0), optional=True),
        Variable(
            "sersic_index",
            "Sersic index of an elliptical and of each part of a merger",
            bounds=(0.5, 6.0),
            optional=True,
        ),
        Variable("redshift", "cosmological redshift", bounds=(0.02, 2.0), optional=True),
        Variable("inclination", "inclination of the disc, 0 face-on", "deg", bounds=(0.0, 90.0), optional=True),
        Variable("psf", "point spread function", dtype="int8", categories=PSFS, default="none"),
        *_in_bands("psf_fwhm", "full width at half maximum of the PSF", "arcsec", bounds=(0.2, 2.0), default=0.7),
        Variable(
            "psf_image",
            "PSF as an image at the pixel scale, any positive sum; used where psf is image",
            dims=("psf_y", "psf_x"),
            dtype="float32",
            optional=True,
        ),
        Variable("pixel_scale", "side of a pixel", "arcsec", bounds=(0.05, 0.4), default=PIXEL_SCALE),
        Variable("size", "pixels a side of the stamp", dtype="int32", bounds=(STAMP, LARGEST_STAMP), default=STAMP),
        *_in_bands("noise", "standard deviation of Gaussian noise in a pixel", "nJy", bounds=(0.0, 1e6), default=0.0),
    ),
    (Dimension("psf_y", PSF_IMAGE), Dimension("psf_x", PSF_IMAGE)),
)

OUTPUTS = Schema(
    (
        Variable("image", "flux in a pixel, row 0 at the bottom", "nJy", ("band", "y", "x"), "float32"),
        Variable("enclosed_flux_fraction", "flux inside the stamp over total flux, before noise", "1", ("band",)),
    ),
    (
        Dimension("band", len(BANDS)),
        Dimension("y", length="size", multiple=STAMP_STEP),
        Dimension("x", length="size", multiple=STAMP_STEP),
    ),
)

N_IMAGES = 2000
"""Galaxies on each side that figures are asked at."""
