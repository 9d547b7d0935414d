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

TILES = 4
"""Stamps along a side of the mosaic that photutils measures at once."""

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
        for start in range(0, len(images), TILES**2):
            here = slice(start, start + TILES**2)
            segments[here], kron = _kron(images[here, _REFERENCE], levels[here])
            for name, values in kron.items():
                found[name][here] = values
        found["flux_radius"] *= scales
        for row, bands in enumerate(images):
            measured = _moments(bands[_REFERENCE], scales[row])
            if segments[row].any():
                measured |= _colours(bands, segments[row])
            for name, value in measured.items():
                found[name][row] = value
    return found, segments


def _kron(images: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Segments and Kron photometry of up to TILES^2 stamps, laid out on one mosaic with zeros between.

    A segment is the group of connected pixels above the level with the most light, of five pixels or more. photutils'
    cost is mostly for each call, not for each source.
    """
    from photutils.segmentation import SegmentationImage, SourceCatalog, detect_sources

    size = images.shape[-1]
    mosaic = np.zeros((2 * size * TILES, 2 * size * TILES))
    level, tile = np.full(mosaic.shape, np.inf), np.zeros(mosaic.shape, dtype=np.int32)
    places = []
    for row in range(len(images)):
        low_y, low_x = (2 * size * part + size // 2 for part in divmod(row, TILES))
        places.append((slice(low_y, low_y + size), slice(low_x, low_x + size)))
        mosaic[places[row]], level[places[row]], tile[places[row]] = images[row], levels[row], row + 1
    segments = np.zeros(images.shape, dtype=bool)
    found = {name: np.full(len(images), np.nan) for name in ("kron_flux", "flux_radius", "isophotal_ellipticity")}
    sources = detect_sources(mosaic, level, n_pixels=5)
    if sources is None:
        return segments, found
    labels = np.asarray(sources.data)
    light = np.bincount(labels.ravel(), weights=mosaic.ravel())
    owner = np.zeros(len(light), dtype=np.int64)
    owner[labels.ravel()] = tile.ravel()  # a label's pixels all lie on one tile
    main = np.zeros(len(light), dtype=np.int32)
    for row in range(len(images)):
        mine = np.flatnonzero(owner == row + 1)
        mine = mine[mine > 0]
        if len(mine):
            main[mine[np.argmax(light[mine])]] = row + 1
    chosen = main[labels]
    catalogue = SourceCatalog(mosaic, SegmentationImage(chosen), kron_params=KRON)
    rows = np.asarray(catalogue.labels, dtype=np.int64) - 1
    found["kron_flux"][rows] = _numbers(catalogue.kron_flux)
    found["flux_radius"][rows] = _numbers(catalogue.flux_radius(0.5))
    ellipticity = _numbers(catalogue.ellipticity)
    found["isophotal_ellipticity"][rows] = ellipticity / (2.0 - ellipticity)  # (1 - q) / (1 + q) from 1 - q
    for row in rows:
        segments[row] = chosen[places[row]] == row + 1
    return segments, found


def _numbers(values: Any) -> np.ndarray:
    return np.atleast_1d(np.asarray(getattr(values, "value", values), dtype=np.float64))


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
