"""Images of a survey, tile by tile: stamps on fine pixels, the PSF of the place, the detector's pixels and noise.

A tile is drawn in strips from south to north, in memory that does not depend on its galaxies or on the survey.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..counting import Counter
from ..io import OutputError
from ..io.atomic import remove_leftovers, replacing
from ..io.locks import Lock, locked
from ..noise import fold
from ..physics.galaxies.photometric_errors import flux
from ..sampling.engines import done_by
from . import files
from .galaxies import columns
from .request import Survey, SurveyError
from .simulators import galaxy_surrogate, made_by
from .sky import Field
from .stamps import BLUR, FINE, REACH, stamps

if TYPE_CHECKING:
    from astropy.wcs import WCS

FOLDER = "images"
PIXELS = 4096
"""A side of a tile."""

SCALE = 0.2
"""Side of a pixel, arcsec."""

PER_PIXEL = 2
"""Fine pixels a side of a pixel."""

PATCH = 512
"""Pixels a side over which the PSF is one."""

FWHM = {"u": 0.92, "g": 0.87, "r": 0.83, "i": 0.80, "z": 0.78, "y": 0.76}
"""Arcsec, of a Moffat PSF with beta = 3.5 in the middle of a tile (Ivezic et al. 2019, ApJ 873, 111, table 2)."""

WIDENING = 0.06
"""Relative growth of the PSF from the middle of a tile to its corners."""

_PSF_REACH = 64  # fine pixels
_SKY = {"u": 0.038}
_BETA = 3.5


@dataclass(frozen=True)
class Tile:
    """A square of pixels in a tangent plane.

    Attributes
    ----------
    row, column : int
        Among the tiles of the field, from south and from east.
    centre : (float, float)
        Right ascension and declination, degrees.
    pixels : int
        A side.
    up : (float, float)
        Direction of the image's rows, west and north parts: north but where the field lies about a pole.
    """

    row: int
    column: int
    centre: tuple[float, float]
    pixels: int = PIXELS
    up: tuple[float, float] = (0.0, 1.0)

    @property
    def name(self) -> str:
        """Of its file."""
        return f"tile-{self.row:02d}-{self.column:02d}.fits"

    @cached_property
    def wcs(self) -> WCS:
        """The rows' direction up, east to the left of north."""
        from astropy.wcs import WCS

        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = list(self.centre)
        wcs.wcs.crpix = [(self.pixels + 1) / 2] * 2
        wcs.wcs.cdelt = [-SCALE / 3600, SCALE / 3600]
        wcs.wcs.pc = [[self.up[1], self.up[0]], [-self.up[0], self.up[1]]]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.set()
        return wcs

    def fwhm(self, band: str, x: float, y: float) -> float:
        """Of the Moffat PSF at a pixel, arcsec."""
        middle = (self.pixels - 1) / 2
        return FWHM[band] * (1 + WIDENING * ((x - middle) ** 2 + (y - middle) ** 2) / (2 * max(middle, 1.0) ** 2))


def tiles(survey: Survey, pixels: int = PIXELS) -> tuple[Tile, ...]:
    """Tiles that cover the field evenly; they overlap, so that the outer ones end where the field does."""
    if not 64 <= pixels <= 16_384 or pixels % 64:
        raise SurveyError.about("tile_pixels", repr(pixels), "a multiple of 64, from 64 to 16384", value=pixels)
    field = Field(survey.square_degrees, survey.centre)
    side = 2 * np.degrees(field.half_side) * 3600 / SCALE
    number = max(1, int(np.ceil(side / pixels)))
    steps = np.radians(np.linspace(-1, 1, number) * (side - pixels) / 2 * SCALE / 3600) if number > 1 else np.zeros(1)
    found = []
    for row, north in enumerate(steps):
        for column, east in enumerate(steps):
            ahead = north + np.array([0.0, 1e-5])
            vectors = np.stack((np.cos(ahead) * np.cos(east), np.cos(ahead) * np.sin(east), np.sin(ahead)), -1)
            right_ascension, declination = field.to_sky(vectors)
            level = Tile(row, column, (float(right_ascension[0]), float(declination[0])), pixels)
            x, y = level.wcs.all_world2pix(right_ascension, declination, 0)
            across, along = float(x[1] - x[0]), float(y[1] - y[0])
            length = float(np.hypot(across, along))
            found.append(replace(level, up=(across / length, along / length)))
    return tuple(found)


def inside(survey: Survey, folder: Path, tile: Tile) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Galaxies whose light may fall into a tile, from south to north, with pixel coordinates (the first pixel is 0)."""
    margin = (REACH + _PSF_REACH) / PER_PIXEL
    kept: list[np.ndarray] = []
    towards = _vectors(*(np.array([angle]) for angle in tile.centre))[0]
    reach = np.cos(np.radians((tile.pixels / 2 + margin) * 1.5 * SCALE / 3600))
    for block in files.blocks(folder):
        near = _vectors(block["ra"].values, block["dec"].values) @ towards > reach
        if near.any():
            kept.append(files.structured(block.isel(sample=np.flatnonzero(near)), survey.bands))
    dtype = [(name, kind) for name, (kind, _, _) in columns(survey.bands).items()]
    rows = np.concatenate(kept) if kept else np.empty(0, dtype)
    x, y = tile.wcs.all_world2pix(rows["ra"], rows["dec"], 0) if len(rows) else (np.empty(0), np.empty(0))
    close = (np.abs(x - (tile.pixels - 1) / 2) < tile.pixels / 2 + margin) & (
        np.abs(y - (tile.pixels - 1) / 2) < tile.pixels / 2 + margin
    )
    rows, x, y = rows[close], x[close], y[close]
    order = np.lexsort((rows["galaxy_id"], y))
    galaxies = {name: rows[name][order] for name in rows.dtype.names or ()}
    x, y = x[order], y[order]
    galaxies["angle"] = np.mod(_north(tile, galaxies, x, y) + galaxies["position_angle_true"], 180.0)
    return galaxies, x, y


def _north(tile: Tile, galaxies: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Direction of north at each galaxy, degrees counter-clockwise from +x."""
    if not len(x):
        return np.empty(0)
    step = np.where(galaxies["dec"] > 0, -1e-4, 1e-4)  # away from the nearer pole
    there = tile.wcs.all_world2pix(galaxies["ra"], galaxies["dec"] + step, 0)
    return np.degrees(np.arctan2((there[1] - y) * np.sign(step), (there[0] - x) * np.sign(step)))


def _vectors(right_ascension: np.ndarray, declination: np.ndarray) -> np.ndarray:
    alpha, delta = np.radians(right_ascension), np.radians(declination)
    return np.stack((np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)), -1)


def draw(
    survey: Survey, tile: Tile, galaxies: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, *, noise: bool = True
) -> Iterator[np.ndarray]:
    """The tile in strips of at most `PATCH` rows from the south, (bands, rows, pixels) float32 nJy.

    Parameters
    ----------
    survey : Survey
    tile : Tile
    galaxies, x, y
        As from `inside`.
    noise : bool
        Add the sky's noise and that of the galaxies' own light.
    """
    bands, width = survey.bands, tile.pixels * PER_PIXEL
    strip = min(PATCH, tile.pixels) * PER_PIXEL
    margin = REACH + _PSF_REACH
    fine_x, fine_y = (PER_PIXEL * axis + (PER_PIXEL - 1) / 2 for axis in (x, y))
    canvas = np.zeros((len(bands), strip + 2 * _PSF_REACH + 2 * REACH, width + 2 * margin), np.float32)
    random = {
        band: np.random.Generator(
            np.random.Philox(key=fold(survey.seed, "tile", tile.row, tile.column, tile.pixels, band))
        )
        for band in bands
    }
    begun = 0
    for bottom in range(0, width, strip):
        base = bottom - _PSF_REACH  # fine row of the canvas's first
        until = int(np.searchsorted(fine_y, bottom + strip + _PSF_REACH + REACH))
        some = slice(begun, until)
        chosen = {name: values[some] for name, values in galaxies.items()}
        for image, column, row in stamps(chosen, fine_x[some], fine_y[some], bands, survey.seed):
            _add(canvas, image, column + margin, row - base)
        begun = until
        rows = min(strip, width - bottom)
        yield _observed(survey, tile, canvas[:, : rows + 2 * _PSF_REACH], bottom // PER_PIXEL, random if noise else {})
        canvas[:, : canvas.shape[1] - strip] = canvas[:, strip:].copy()
        canvas[:, canvas.shape[1] - strip :] = 0


def _add(canvas: np.ndarray, image: np.ndarray, column: int, row: int) -> None:
    height, width = image.shape[1:]
    top, right = min(row + height, canvas.shape[1]), min(column + width, canvas.shape[2])
    low, left = max(row, 0), max(column, 0)
    if top > low and right > left:
        canvas[:, low:top, left:right] += image[:, low - row : top - row, left - column : right - column]


def _observed(
    survey: Survey, tile: Tile, canvas: np.ndarray, bottom: int, random: dict[str, np.random.Generator]
) -> np.ndarray:
    """One strip through the PSF onto the detector's pixels."""
    from scipy import fft

    rows = (canvas.shape[1] - 2 * _PSF_REACH) // PER_PIXEL
    found = np.empty((len(survey.bands), rows, tile.pixels), np.float32)
    height = fft.next_fast_len(canvas.shape[1], real=True)
    for left in range(0, tile.pixels, PATCH):
        wide = min(PATCH, tile.pixels - left)
        start = REACH + left * PER_PIXEL  # the canvas has REACH + _PSF_REACH columns before the first pixel
        width = fft.next_fast_len(wide * PER_PIXEL + 2 * _PSF_REACH, real=True)
        part = canvas[:, :, start : start + wide * PER_PIXEL + 2 * _PSF_REACH]
        ky, kx = 2 * np.pi * fft.fftfreq(height) / FINE, 2 * np.pi * fft.rfftfreq(width) / FINE
        k = np.hypot(ky[:, None], kx[None, :]).astype(np.float32)
        for place, band in enumerate(survey.bands):
            fwhm = tile.fwhm(band, left + (wide - 1) / 2, bottom + (rows - 1) / 2)
            spectrum = np.asarray(fft.rfft2(part[place], s=(height, width)))
            seen = np.asarray(fft.irfft2(spectrum * moffat(k, fwhm), s=(height, width)))
            seen = seen[_PSF_REACH : _PSF_REACH + rows * PER_PIXEL, _PSF_REACH : _PSF_REACH + wide * PER_PIXEL]
            found[place, :, left : left + wide] = seen.reshape(rows, PER_PIXEL, wide, PER_PIXEL).sum((1, 3))
    for place, band in enumerate(survey.bands):
        if band in random:
            least = flux(np.array(survey.depth_of(band)))
            light = (0.04 - _SKY.get(band, 0.039)) * float(least) * np.maximum(found[place], 0)
            deviation = np.sqrt(pixel_noise(survey, band) ** 2 + light)
            found[place] += (deviation * random[band].standard_normal(found[place].shape, np.float32)).astype(
                np.float32
            )
    return found


def moffat(k: np.ndarray, fwhm: float) -> np.ndarray:
    """Transfer function at k [1/arcsec] of a Moffat PSF with beta = 3.5, as `physics.galaxies.optics` has it."""
    scaled = k * np.float32(fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / _BETA) - 1.0)))
    return np.exp(-scaled) * (1 + scaled + scaled**2 / 3)


def point_spread(fwhm: float, size: int = 65) -> np.ndarray:
    """The PSF of a point source in pixels, (size, size), centred on the middle one: Moffat and the stamps' blur."""
    fine = 2 * PER_PIXEL * size
    k = 2 * np.pi * np.hypot(np.fft.fftfreq(fine)[:, None], np.fft.rfftfreq(fine)[None, :]) / FINE
    sigma = BLUR / (2 * np.sqrt(2 * np.log(2)))
    transfer = moffat(k, fwhm) * np.exp(-0.5 * (k * sigma) ** 2)
    shift = (PER_PIXEL * (size - 1) / 2 + (PER_PIXEL - 1) / 2) * 2 * np.pi
    transfer = transfer * np.exp(-1j * shift * np.fft.fftfreq(fine)[:, None])
    transfer = transfer * np.exp(-1j * shift * np.fft.rfftfreq(fine)[None, :])
    image = np.fft.irfft2(transfer, s=(fine, fine))[: PER_PIXEL * size, : PER_PIXEL * size]
    return image.reshape(size, PER_PIXEL, size, PER_PIXEL).sum((1, 3))


def pixel_noise(survey: Survey, band: str) -> float:
    """Standard deviation of the sky in a pixel [nJy], such that the depth is that of a point source, matched filter."""
    area = 1 / (point_spread(FWHM[band]) ** 2).sum()  # pixels
    return float(flux(np.array(survey.depth_of(band)))) / 5 / np.sqrt(area)


def write_tile(survey: Survey, folder: Path, tile: Tile, *, overwrite: bool = True, noise: bool = True) -> Path:
    """One tile as a FITS file: an image a band [nJy], the true galaxies on it, and the PSF's widths.

    Extensions are `IMAGE_G` and so on, `TRUTH`, whose `x` and `y` count pixels from 1, and `PSF`.
    """
    from astropy.io import fits

    target = folder / FOLDER / tile.name
    target.parent.mkdir(parents=True, exist_ok=True)
    galaxies, x, y = inside(survey, folder, tile)
    header = tile.wcs.to_header()
    with replacing(target, overwrite=overwrite) as temporary, open(temporary, "wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        starts = []
        for band in survey.bands:
            image = fits.ImageHDU(np.zeros((1, 1), np.float32), header=header, name=f"IMAGE_{band.upper()}").header
            image["NAXIS1"] = image["NAXIS2"] = tile.pixels
            image["BUNIT"], image["MAGZERO"] = "nJy", 31.4
            image["DEPTH5"] = (survey.depth_of(band), "AB mag of a point source at 5 sigma")
            image["SKYRMS"] = (pixel_noise(survey, band) if noise else 0.0, "nJy in a pixel")
            file.write(image.tostring().encode("ascii"))
            starts.append(file.tell())
            size = 4 * tile.pixels**2
            file.seek(size + (-size) % 2880, 1)
        end = file.tell()
        written = 0
        for strip in draw(survey, tile, galaxies, x, y, noise=noise):
            for begin, image in zip(starts, strip, strict=True):
                file.seek(begin + 4 * tile.pixels * written)
                file.write(image.astype(">f4").tobytes())
            written += strip.shape[1]
        file.seek(end)
        file.truncate(end)
        on_tile = (x >= -0.5) & (x < tile.pixels - 0.5) & (y >= -0.5) & (y < tile.pixels - 0.5)
        for table in (_truth(survey, galaxies, x, y, on_tile), _psf(survey, tile)):
            file.write(_extension(table))
    return target


def _extension(table: Any) -> bytes:
    """A table as it stands in a file after other extensions."""
    from astropy.io import fits

    whole = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(whole)
    return whole.getvalue()[2880:]


def _truth(survey: Survey, galaxies: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Any:
    from astropy.io import fits

    kinds = {"int64": "K", "float64": "D", "float32": "E", "int8": "I"}
    described = columns(survey.bands)
    found = [
        fits.Column("x", "D", array=x[rows] + 1, unit="pixel"),
        fits.Column("y", "D", array=y[rows] + 1, unit="pixel"),
    ]
    for name, (kind, _, _) in described.items():
        if "_obs_" not in name and "magerr" not in name:
            found.append(fits.Column(name, kinds[kind], array=galaxies[name][rows]))
    return fits.BinTableHDU.from_columns(found, name="TRUTH")


def _psf(survey: Survey, tile: Tile) -> Any:
    from astropy.io import fits

    middles = [left + (min(PATCH, tile.pixels - left) - 1) / 2 for left in range(0, tile.pixels, PATCH)]
    places = np.array([(x, y) for y in middles for x in middles])
    found = [fits.Column("x", "D", array=places[:, 0] + 1), fits.Column("y", "D", array=places[:, 1] + 1)]
    for band in survey.bands:
        widths = np.array([tile.fwhm(band, *place) for place in places])
        found.append(fits.Column(f"fwhm_{band}", "D", array=widths, unit="arcsec"))
    table = fits.BinTableHDU.from_columns(found, name="PSF")
    table.header["COMMENT"] = f"Moffat, beta {_BETA}, of these FWHM, after a Gaussian of FWHM {BLUR} arcsec"
    return table


def write(
    survey: Survey,
    folder: Path,
    chosen: Iterable[Tile],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Write tiles; those that are there are left as they are on `resume`, and each is whole or not there at all.

    Raises
    ------
    OutputError
        A tile is there, and neither `resume` nor `overwrite` was given.
    """
    wanted = list(chosen)
    place = folder.absolute() / FOLDER
    there = [tile for tile in wanted if (place / tile.name).exists()]
    if there and not resume and not overwrite:
        raise OutputError(f"{place / there[0].name} exists already; give --resume, --overwrite or another folder")
    if wanted:
        place.mkdir(parents=True, exist_ok=True)
    missing = [tile for tile in wanted if tile not in there or not resume]
    if not missing:
        return [folder / FOLDER / tile.name for tile in wanted]
    with locked(place / f".{missing[0].name}.run.lock", place) as lock, Counter("tiles", len(missing)) as bar:
        for tile in missing:
            remove_leftovers(place / tile.name)
            (place / tile.name).unlink(missing_ok=True)
        work = _Tiles(survey, folder.absolute(), tuple(missing), lock)
        if scheduler is None and (workers == 1 or len(missing) < 2):
            for number, tile in enumerate(missing, start=1):
                work.do([tile])
                bar.update(number)
        else:
            done_by(work, missing, workers=min(workers, len(missing)), scheduler=scheduler, on_count=bar.update)
    return [folder / FOLDER / tile.name for tile in wanted]


@dataclass(frozen=True)
class _Tiles:
    """Tiles of a survey, as other processes write them; see `surrogates.sampling.work.Work`."""

    survey: Survey
    folder: Path
    tiles: tuple[Tile, ...]
    lock: Lock
    name: str = "drawing tiles"

    def do(self, items: Sequence[Tile]) -> None:
        for tile in self.missing(items):
            write_tile(self.survey, self.folder, tile)

    def missing(self, items: Sequence[Tile]) -> list[Tile]:
        return [tile for tile in items if not (self.folder / FOLDER / tile.name).exists()]

    def tidy(self) -> None:
        for tile in self.tiles:
            remove_leftovers(self.folder / FOLDER / tile.name)

    def facts(self) -> dict[str, Any]:
        return made_by(galaxy_surrogate())
