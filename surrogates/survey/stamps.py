"""Galaxies of a catalogue as stamps of the surrogate, put down at any place of a grid of fine pixels.

A stamp has a fixed number of pixels. A galaxy too small or too large for one is drawn as a galaxy of another size on
finer or coarser pixels, by a power of two, and the pixels are summed or interpolated. Shifts by parts of a pixel are
exact in Fourier space.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..physics.galaxies.photometric_errors import flux
from .simulators import galaxy_surrogate

FINE = 0.1
"""Side of the fine pixels, arcsec."""

BLUR = 0.2
"""FWHM [arcsec] of the Gaussian that limits the band of every stamp."""

ZOOMS = (-2, -1, 0, 1, 2)
"""Powers of two by which pixels are coarser than `FINE`."""

STAMP = 64
REACH = STAMP * 2 ** (ZOOMS[-1] - 1)
"""Fine pixels from a galaxy's centre to the end of the largest stamp."""

_LEAST = 0.25  # arcsec, least half-light radius of a stamp
_MOST, _LONGEST = 1.40, 2.1  # largest, and that along the major axis
_TOGETHER = 384
_SIGMA = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_LEAST_ELLIPTICITY, _MOST_ELLIPTICITY = {3: 0.656}, {0: 0.66, 1: 0.85, 2: 0.85, 3: 0.78}
_BAND_OF = {"u": "g", "g": "g", "r": "r", "i": "i", "z": "i", "y": "i"}
"""Whose light a band's image has, of those that the surrogate draws."""


def zooms(radius: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Power of two of each galaxy's pixels, from its circularised half-light radius [arcsec] and axis ratio."""
    widest = np.minimum(_MOST, _LONGEST * np.sqrt(ratio))
    larger = np.ceil(np.log2(np.maximum(radius / widest, 1e-9)))
    smaller = np.floor(np.log2(np.maximum(radius / _LEAST, 1e-9)))
    return np.clip(np.where(radius < _LEAST, smaller, np.maximum(larger, 0)), ZOOMS[0], ZOOMS[-1]).astype(int)


def stamps(
    galaxies: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, bands: str, seed: int
) -> Iterator[tuple[np.ndarray, int, int]]:
    """Every galaxy's light on the fine grid.

    Parameters
    ----------
    galaxies : dict of ndarray
        Columns of the catalogue, and `angle`, that of the major axis from +x, degrees.
    x, y : ndarray
        Fine-pixel coordinates of the centres; pixel 0 has its middle at 0.
    bands : str
    seed : int

    Yields
    ------
    image : ndarray
        (bands, m, m) flux in nJy.
    column, row : int
        Of its first pixel.
    """
    for start in range(0, len(x), _TOGETHER):
        rows = np.arange(start, min(start + _TOGETHER, len(x)))
        images, zoom = _drawn({name: values[rows] for name, values in galaxies.items()}, bands, seed)
        for power in np.unique(zoom):
            chosen = zoom == power
            yield from _put(images[chosen], int(power), x[rows[chosen]], y[rows[chosen]])


def _drawn(galaxies: dict[str, np.ndarray], bands: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, bands, 64, 64) float32 with the total flux of the catalogue, and the powers of their zooms."""
    import xarray as xr

    surrogate = galaxy_surrogate()
    bounds = {variable.name: variable.bounds or (-np.inf, np.inf) for variable in surrogate.conditions}
    n = len(galaxies["galaxy_id"])
    morphology = galaxies["morphology"].astype(int)
    least = np.array([_LEAST_ELLIPTICITY.get(kind, 0.0) for kind in morphology])
    most = np.array([_MOST_ELLIPTICITY[kind] for kind in morphology])
    ellipticity = np.clip(galaxies["ellipticity_true"].astype(float), least, most)
    ratio = (1 - ellipticity) / (1 + ellipticity)
    radius = np.sqrt(galaxies["size_true"].astype(float) * galaxies["size_minor_true"])
    zoom = zooms(radius, ratio)
    asked: dict[str, np.ndarray] = {
        "morphology": morphology,
        "half_light_radius": np.clip(radius / 2.0**zoom, _LEAST, np.minimum(_MOST, _LONGEST * np.sqrt(ratio))),
        "ellipticity": ellipticity,
        "position_angle": np.mod(galaxies["angle"].astype(float), 180.0),
        "bulge_fraction": np.clip(galaxies["bulge_to_total_ratio_i"].astype(float), 0.0, 1.0),
        "redshift": np.clip(galaxies["redshift_true"], *bounds["redshift"]),
    }
    nearest = {drawn: min(bands, key=lambda band: abs("ugrizy".index(band) - "ugrizy".index(drawn))) for drawn in "gri"}
    for drawn, band in nearest.items():
        magnitude = galaxies[f"mag_true_{band}_lsst"].astype(float)
        asked[f"magnitude_{drawn}"] = np.clip(magnitude, *bounds[f"magnitude_{drawn}"])
    rows = xr.Dataset(
        {name: ("sample", values) for name, values in asked.items()}, coords={"sample": galaxies["galaxy_id"]}
    )
    made = surrogate.sample(rows, seed=seed)["image"].values  # a galaxy looks the same on every tile
    images = np.empty((n, len(bands), STAMP, STAMP), np.float32)
    for place, band in enumerate(bands):
        drawn = _BAND_OF[band]
        total = flux(galaxies[f"mag_true_{band}_lsst"].astype(float)) / flux(asked[f"magnitude_{drawn}"])
        images[:, place] = made[:, "gri".index(drawn)] * total[:, None, None].astype(np.float32)
    return images, zoom


def _put(images: np.ndarray, power: int, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """Stamps of one zoom on the fine grid, their centres where they are asked."""
    from scipy import fft

    if power <= 0:
        size, per = STAMP, 2**-power  # stamp pixels a fine pixel
        middle = (STAMP - 1) / 2
        places = [per * axis + (per - 1) / 2 for axis in (x, y)]
    else:
        size, per = STAMP * 2**power, 1
        middle = (STAMP - 1) / 2 * 2**power
        places = [x, y]
    first = [np.floor((place - middle) / per + 0.5).astype(int) for place in places]
    shift = [place - middle - per * start for place, start in zip(places, first, strict=True)]
    spectrum = np.asarray(fft.rfft2(images, axes=(-2, -1)))
    if power > 0:
        spectrum = _finer(spectrum, size)
    ky, kx = 2 * np.pi * fft.fftfreq(size), 2 * np.pi * fft.rfftfreq(size)
    column = np.exp(-1j * shift[0][:, None] * kx).astype(np.complex64)
    row = np.exp(-1j * shift[1][:, None] * ky).astype(np.complex64)
    if power < 0:  # the band limit of a finer stamp is narrower: the rest of it
        rest = BLUR**2 * (1 - 4.0**power) * (_SIGMA / (FINE * 2.0**power)) ** 2
        column *= np.exp(-0.5 * rest * kx**2).astype(np.float32)
        row *= np.exp(-0.5 * rest * ky**2).astype(np.float32)
    spectrum = spectrum * row[:, None, :, None] * column[:, None, None, :]
    shifted = np.asarray(fft.irfft2(spectrum, s=(size, size), axes=(-2, -1)), np.float32)
    if per > 1:
        shifted = shifted.reshape(*shifted.shape[:2], size // per, per, size // per, per).sum((3, 5))
    yield from zip(shifted, first[0].tolist(), first[1].tolist(), strict=True)


def _finer(spectrum: np.ndarray, size: int) -> np.ndarray:
    """Half spectra of images of `size` pixels a side from those of fewer."""
    rows, columns = spectrum.shape[-2:]
    wide = np.zeros((*spectrum.shape[:-2], size, size // 2 + 1), spectrum.dtype)
    half = rows // 2
    wide[..., :half, : columns - 1] = spectrum[..., :half, : columns - 1]
    wide[..., size - half + 1 :, : columns - 1] = spectrum[..., half + 1 :, : columns - 1]
    return wide
