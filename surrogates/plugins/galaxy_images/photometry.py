"""Fluxes, sizes and shapes of galaxy images by independent tools: photutils' segments and Kron apertures, GalSim's hsm.

Every isophote follows from the asked conditions alone, so that both sides of a comparison are measured alike.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .variables import BAND_LIMIT_FWHM, BANDS, CONDITIONS, ZERO_POINT

if TYPE_CHECKING:
    import xarray as xr

NAMES: tuple[str, ...] = (
    "kron_flux",
    "segment_flux_g",
    "segment_flux_r",
    "segment_flux_i",
    "core_flux_g",
    "core_flux_i",
    "flux_radius",
    "isophotal_ellipticity",
    "moment_radius",
    "moment_ellipticity",
    "moment_angle",
    "kurtosis",
)
"""What `photometry` measures; fluxes in nJy, radii in arcsec, angles in degrees."""

ISOPHOTE = 0.05
"""Surface brightness at which a galaxy's segment ends, over the asked mean within the half-light radius."""

NOISE_LEVELS = 1.5
"""Least surface brightness of a segment, in standard deviations of the noise in a pixel."""

KRON = (2.5, 1.4, 0.0)
"""photutils' Kron parameters: scale, least unscaled radius, least circular radius."""

_REFERENCE = BANDS.index("r")


def asked_flux(dataset: xr.Dataset, band: str) -> np.ndarray:
    """Asked total flux in nJy, (n,)."""
    return 10.0 ** (-0.4 * (dataset[f"magnitude_{band}"].values - ZERO_POINT))


def asked(dataset: xr.Dataset, name: str) -> np.ndarray:
    """A condition along `sample`, its default where the Dataset leaves it out."""
    if name in dataset:
        return dataset[name].values
    variable = CONDITIONS[name]
    return np.full(dataset.sizes["sample"], variable.convert(variable.default))


def observed_radius(dataset: xr.Dataset) -> np.ndarray:
    """Asked half-light radius with the Gaussian and the PSF added in quadrature, arcsec; (n,)."""
    convolved = np.where(asked(dataset, "psf") > 0, asked(dataset, "psf_fwhm_r"), 0.0)
    return np.sqrt(dataset["half_light_radius"].values ** 2 + (BAND_LIMIT_FWHM**2 + convolved**2) / 4)


def isophotes(dataset: xr.Dataset) -> np.ndarray:
    """Pixel value in r at which each galaxy's segment ends, nJy; (n,)."""
    area = 2 * np.pi * observed_radius(dataset) ** 2 / asked(dataset, "pixel_scale") ** 2
    return np.maximum(ISOPHOTE * asked_flux(dataset, "r") / area, NOISE_LEVELS * asked(dataset, "noise_r"))


def photometry(dataset: xr.Dataset) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Measure every galaxy.

    Parameters
    ----------
    dataset : Dataset
        Conditions and `image`.

    Returns
    -------
    dict of ndarray
        (n,) by the names in `NAMES`; NaN where a tool finds nothing.
    ndarray
        (n, y, x) booleans: the galaxies' segments in r, empty where none is found.
    """
    images = np.asarray(dataset["image"].values, dtype=np.float64)
    levels, scales = isophotes(dataset), asked(dataset, "pixel_scale")
    found = {name: np.full(len(images), np.nan) for name in NAMES}
    segments = np.zeros((len(images), *images.shape[2:]), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # photutils: no source found; numpy: NaN
        for row, bands in enumerate(images):
            measured = _moments(bands[_REFERENCE], scales[row])
            segment = main_segment(bands[_REFERENCE], levels[row])
            if segment is not None:
                segments[row] = segment
                measured |= _kron(bands[_REFERENCE], segment, scales[row]) | _colours(bands, segment)
            for name, value in measured.items():
                found[name][row] = value
    return found, segments


def main_segment(image: np.ndarray, level: float) -> np.ndarray | None:
    """Connected pixels above `level`, the group with the most light; None where there are fewer than five."""
    from photutils.segmentation import detect_sources

    sources = detect_sources(image, level, n_pixels=5)
    if sources is None:
        return None
    light = np.bincount(np.asarray(sources.data).ravel(), weights=image.ravel())
    light[0] = -np.inf
    return np.asarray(sources.data) == int(np.argmax(light))


def _kron(image: np.ndarray, segment: np.ndarray, scale: float) -> dict[str, float]:
    from photutils.segmentation import SegmentationImage, SourceCatalog

    catalogue = SourceCatalog(image, SegmentationImage(segment.astype(np.int32)), kron_params=KRON)
    return {
        "kron_flux": _number(catalogue.kron_flux),
        "flux_radius": _number(catalogue.flux_radius(0.5)) * scale,
        "isophotal_ellipticity": _reduced(_number(catalogue.ellipticity)),
    }


def _number(value: Any) -> float:
    return float(np.asarray(getattr(value, "value", value)).ravel()[0])


def _reduced(ellipticity: float) -> float:
    """(1 - q) / (1 + q) from photutils' 1 - q."""
    return ellipticity / (2.0 - ellipticity)


def _moments(image: np.ndarray, scale: float) -> dict[str, float]:
    """Adaptive moments (Hirata & Seljak 2003, MNRAS 343, 459), with the reduced-shear ellipticity."""
    import galsim

    shape = galsim.hsm.FindAdaptiveMom(galsim.Image(image, scale=1.0), strict=False)
    if shape.error_message or not 0 < shape.moments_sigma < image.shape[0]:
        return {}
    return {
        "moment_radius": shape.moments_sigma * scale,
        "moment_ellipticity": shape.observed_shape.g,
        "moment_angle": float(np.degrees(shape.observed_shape.beta.rad)) % 180.0,
        "kurtosis": shape.moments_rho4,
    }


def _colours(bands: np.ndarray, segment: np.ndarray) -> dict[str, float]:
    """Fluxes of each band within the r band's segment, and within its brightest fifth of pixels."""
    inside = bands[:, segment]
    core = inside[_REFERENCE] >= np.quantile(inside[_REFERENCE], 0.8)
    found = {f"segment_flux_{band}": float(inside[k].sum()) for k, band in enumerate(BANDS)}
    ratio = inside[:, core].sum(axis=1) / inside[_REFERENCE, core].sum()
    return found | {"core_flux_g": float(ratio[0]), "core_flux_i": float(ratio[2])}
