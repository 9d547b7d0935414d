"""One cutout from its file: bands as they are stored, their pixel scale, sky taken off, noise from the border."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .variables import BANDS, PSF_IMAGE

SMALLEST = 24
"""Pixels a side that a cutout has at the least."""

_BORDER = 3  # pixels wide
_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation


@dataclass(frozen=True)
class Cutout:
    """One object's images.

    Attributes
    ----------
    image : ndarray
        (band, side, side) in g, r, i, the sky taken off; 0 where nothing is known.
    known : ndarray
        (side, side) bool.
    noise : ndarray
        (band,) standard deviation in a pixel, from the border.
    sky : ndarray
        (band,) what was taken off.
    scale : float
        Pixel scale that the file states, arcsec; NaN where it states none.
    single : bool
        Whether the file holds one band, which then stands for all.
    shape : tuple of int
        Of the file's images.
    binned : int
        Pixels of the file a side in one of the stamp's.
    """

    image: np.ndarray
    known: np.ndarray
    noise: np.ndarray
    sky: np.ndarray
    scale: float
    single: bool
    shape: tuple[int, int]
    binned: int = 1


def read_cutout(path: Path, bands: Sequence[str], size: int) -> Cutout:
    """Read one cutout's middle `size` pixels a side; a smaller one stands amid pixels that are not known.

    Parameters
    ----------
    path : Path
        FITS: a cube (band, y, x), or an extension a band, by name (EXTNAME or FILTER) or in the order of `bands`, or
        one image for all bands; or a picture (red, green, blue = i, r, g).
    bands : sequence of str
        Bands of the file's planes, in their order.
    size : int

    Raises
    ------
    OSError, ValueError
        The file is damaged, too small, or holds none of the bands.
    """
    planes, scale = _fits(path, bands) if path.suffix.lower() in (".fits", ".fit") else (_picture(path), np.nan)
    shape = planes.shape[1:]
    if min(shape) < SMALLEST:
        raise ValueError(f"{shape[1]} x {shape[0]} pixels; expected {SMALLEST} or more a side")
    single = len(planes) == 1
    planes = np.repeat(planes, len(BANDS), axis=0) if single else planes
    finite = np.asarray(np.isfinite(planes).all(axis=0))
    edge = _edge(finite)
    if finite.sum() < 0.5 * finite.size or edge.sum() < 4 * _BORDER:
        raise ValueError(f"{int(finite.sum())} of {finite.size} pixels are finite; expected half of them or more")
    sky = np.median(planes[:, edge], axis=1)
    noise = _MAD * np.median(np.abs(planes[:, edge] - sky[:, None]), axis=1)
    planes, there = _middle(np.where(finite, planes, np.nan), size)
    there &= np.isfinite(planes).all(axis=0)
    planes = np.where(there, planes, 0.0)
    if not there.any():
        raise ValueError("no finite pixel in its middle")
    if not (planes[:, there].max(axis=1) > sky).all():
        raise ValueError("no light above the sky")
    return Cutout(np.where(there, planes - sky[:, None, None], 0.0), there, noise, sky, scale, single, shape)


def _middle(planes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle (band, size, size), NaN where the planes end, and where they do not."""
    framed = np.full((len(planes), size, size), np.nan)
    there = np.zeros((size, size), dtype=bool)
    into, of = [], []
    for side in planes.shape[1:]:
        taken = min(side, size)
        into.append(slice((size - taken) // 2, (size - taken) // 2 + taken))
        of.append(slice((side - taken) // 2, (side - taken) // 2 + taken))
    framed[:, into[0], into[1]] = planes[:, of[0], of[1]]
    there[into[0], into[1]] = True
    return framed, there


def _edge(there: np.ndarray) -> np.ndarray:
    """Known pixels near the border of what is known."""
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not len(rows):
        return there
    inner = np.zeros_like(there)
    inner[rows[0] + _BORDER : rows[-1] + 1 - _BORDER, columns[0] + _BORDER : columns[-1] + 1 - _BORDER] = True
    return there & ~inner


def _fits(path: Path, bands: Sequence[str]) -> tuple[np.ndarray, float]:
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy: cards that break the standard
        with fits.open(path, memmap=False) as file:
            units: Any = file
            images: list[Any] = [hdu for hdu in units if getattr(hdu, "is_image", False) and hdu.data is not None]
            if not images:
                raise ValueError("no image in it")
            scale = _stated_scale(images[0].header)
            data = np.asarray(images[0].data, dtype=np.float64)
            if data.ndim == 3:
                return _in_order(data, bands), scale
            if data.ndim != 2:
                raise ValueError(f"an image of {data.ndim} axes; expected (y, x) or (band, y, x)")
            if len(images) == 1:
                return data[None], scale
            named = {str(hdu.header.get("FILTER", hdu.name)).strip().lower(): hdu for hdu in images}
            chosen = [named[band] for band in BANDS if band in named]
            if len(chosen) < len(BANDS):
                if len(images) != len(bands):
                    raise ValueError(
                        f"extensions {', '.join(hdu.name or 'PRIMARY' for hdu in images)}; expected {', '.join(BANDS)} "
                        f"by name, or as many as bands={','.join(bands)}"
                    )
                return _in_order(np.stack([np.asarray(hdu.data, dtype=np.float64) for hdu in images]), bands), scale
            return np.stack([np.asarray(hdu.data, dtype=np.float64) for hdu in chosen]), scale


def _in_order(planes: np.ndarray, bands: Sequence[str]) -> np.ndarray:
    """Planes of `bands` as g, r, i."""
    if len(planes) == 1:
        return planes
    if len(planes) != len(bands):
        raise ValueError(f"{len(planes)} planes; expected {len(bands)}: bands={','.join(bands)}")
    return planes[[list(bands).index(band) for band in BANDS]]


def _stated_scale(header: Any) -> float:
    """Pixel scale of a header's WCS, or of its card PIXSCALE or PIXELSCL, in arcsec; NaN without one."""
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    for card in ("PIXSCALE", "PIXELSCL"):
        if card in header:
            return float(header[card])
    if "CD1_1" not in header and "CDELT1" not in header:
        return np.nan
    try:
        return 3600.0 * float(np.mean(proj_plane_pixel_scales(WCS(header, naxis=2).celestial)))
    except Exception:  # a WCS that astropy cannot read is no scale
        return np.nan


def _picture(path: Path) -> np.ndarray:
    """A picture's i, r, g as g, r, i, row 0 at the bottom; its stretch is not undone."""
    from PIL import Image

    with Image.open(path) as picture:
        colours = np.asarray(picture.convert("RGB"))[::-1]
    return np.ascontiguousarray(colours.transpose(2, 0, 1)[::-1]).astype(np.float64)


def averaged(planes: Cutout, factor: int) -> Cutout:
    """Blocks of `factor` pixels a side summed: a picture of hundreds of pixels becomes a stamp."""
    if factor == 1:
        return planes
    side = planes.image.shape[-1] // factor
    blocks = planes.image[:, : side * factor, : side * factor].reshape(len(BANDS), side, factor, side, factor)
    blocked = planes.known[: side * factor, : side * factor].reshape(side, factor, side, factor)
    known = np.asarray(blocked.all(axis=(1, 3)))
    image = blocks.sum(axis=(2, 4))
    edge = _edge(known)
    noise = _MAD * np.median(np.abs(image[:, edge] - np.median(image[:, edge], axis=1)[:, None]), axis=1)
    scale = planes.scale * factor
    return Cutout(np.where(known, image, 0.0), known, noise, planes.sky, scale, planes.single, planes.shape, factor)


# PSFs --------------------------------------------------------------------------------------------------------------


def psf_image(kind: str, fwhm: float) -> np.ndarray:
    """A PSF of this full width in pixels as an image (41, 41) of sum 1.

    Parameters
    ----------
    kind : {"gaussian", "moffat", "kolmogorov"}
    fwhm : float
        Pixels.
    """
    import torch

    from ...physics.galaxies import optics

    transfer = getattr(optics, f"{kind}_transfer")
    size = 4 * (PSF_IMAGE // 2) + 4
    ky, kx = optics.frequencies(size, 1.0)
    image = torch.fft.irfft2(transfer(torch.hypot(ky, kx), fwhm), s=(size, size)).numpy()
    half = PSF_IMAGE // 2
    image = np.roll(image, (half, half), axis=(0, 1))[:PSF_IMAGE, :PSF_IMAGE]
    return np.maximum(image, 0.0) / np.maximum(image, 0.0).sum()


def read_psf(path: Path, bands: Sequence[str], factor: int = 1) -> np.ndarray:
    """A PSF from a FITS file, at the cutouts' pixel scale, on pixels of `factor` a side: (band, 41, 41), each of sum 1.

    Raises
    ------
    OSError, ValueError
        Damaged, of an even side, or without light.
    """
    planes, _ = _fits(path, bands)
    side = planes.shape[1]
    if min(planes.shape[1:]) % 2 == 0 or side != planes.shape[2]:
        raise ValueError(f"a PSF of {planes.shape[2]} x {side} pixels; expected a square, odd on a side")
    planes = np.repeat(planes, len(BANDS), axis=0) if len(planes) == 1 else planes
    edges = side / 2 + factor * (np.arange(PSF_IMAGE + 1) - PSF_IMAGE / 2)
    pixel = np.arange(side)
    shares = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares = np.clip(shares, 0.0, None)  # of each pixel in each that is made, (41, side)
    planes = shares @ np.where(np.isfinite(planes), planes, 0.0) @ shares.T
    total = planes.sum(axis=(1, 2))
    if not (total > 0).all():
        raise ValueError("a PSF without light; expected a positive sum")
    return planes / total[:, None, None]


_GALAXY_ZOO_2 = re.compile(
    r"(?:(?P<smooth>E[rci]?)|(?P<side>Se[rbn]?)|SB?[a-d]?(?:[1-4+?][tml])?)(?:\((?P<odd>[a-z])\))?"
)


def galaxy_zoo_class(text: str) -> str:
    """Class of a Galaxy Zoo 2 string (`gz2_class`, Willett et al. 2013, MNRAS 435, 2835, appendix A), "" for none.

    "Ei", "SBc2m", "Ser", "Sb(m)": E is smooth, S has features, Se is seen from its side; the odd feature is bracketed,
    m of a merger; A is a star or an artefact.
    """
    found = _GALAXY_ZOO_2.fullmatch(text.strip())
    if found is None:  # a word such as Star or Smooth too
        return ""
    if found["odd"] == "m":
        return "merger"
    return "elliptical" if found["smooth"] else "edge_on" if found["side"] else "spiral"
