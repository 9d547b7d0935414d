"""Pictures of galaxies to stamps: averaged onto 64 x 64 pixels, calibrated, measured, and kept a thousand in a file."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...io.atomic import replacing
from .variables import BANDS, CONDITIONS, PIXEL_SCALE, STAMP, ZERO_POINT

if TYPE_CHECKING:
    from ...counting import Counter

MAGNITUDES: Mapping[str, tuple[str, ...]] = {
    band: (f"petromag_{band}", f"magnitude_{band}", f"mag_{band}") for band in BANDS
}
"""Names of a catalogue's column of a band's magnitude, the preferred one first."""

NOMINAL_MAGNITUDE = 21.0
"""AB magnitude in r of a picture whose catalogue has none: pictures are not calibrated."""

MEASURED = (*(f"magnitude_{band}" for band in BANDS), "half_light_radius", "ellipticity", "position_angle")
"""Conditions that a stamp and its catalogue row give."""

_CREDIBLE = (0.0, 40.0)  # magnitudes; catalogues write -9999, -99 or 99 for none

_READING = 3
"""Of what is kept; another way to read or measure counts on."""


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Name without suffix -> path, as catalogues name pictures.

    Raises
    ------
    SchemaError
        Two pictures of one name, in two folders or formats.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise SchemaError(
                f"folder: {found[path.stem]} and {path} are both {path.stem!r} to the catalogue; keep one of them"
            )
        found[path.stem] = path
    return found


def part(
    paths: Sequence[Path], catalogue: Mapping[str, np.ndarray], kept: Path | None, progress: Counter
) -> dict[str, np.ndarray]:
    """Stamps of pictures and what is measured on them, from `kept` where it holds the same ones.

    Parameters
    ----------
    paths : sequence of path
    catalogue : mapping
        Their columns of magnitudes, by name.
    kept : path, optional
        ``.npz``, written where it does not hold them.
    progress : Counter
        Advances by each picture.

    Returns
    -------
    dict of ndarray
        `readable` (n,) bool and the `reasons` of those that are not; of the others `image` (m, band, 64, 64) float32 in
        nJy, and each of `MEASURED` (m,).
    """
    identity = _identity(paths, catalogue)
    try:
        if kept is not None:
            with np.load(kept) as known:
                if str(known["identity"]) == identity:
                    progress.advance(len(paths))
                    return {name: known[name] for name in ("readable", "reasons", "image", *MEASURED)}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        pass
    stamps, reasons = [], []
    readable = np.zeros(len(paths), dtype=bool)
    for row, path in enumerate(paths):
        try:
            stamp = to_stamp(read_picture(path))
            if not (stamp.sum(axis=(1, 2)) > 0).all():
                raise ValueError("no light above its border in one of the bands")
            stamps.append(stamp)
            readable[row] = True
        except (OSError, ValueError, SyntaxError) as error:
            reasons.append((str(error) or type(error).__name__).splitlines()[0])
        progress.advance()
    found: dict[str, np.ndarray] = {"readable": readable, "reasons": np.array(reasons, dtype=np.str_)}
    images = np.stack(stamps) if stamps else np.zeros((0, len(BANDS), STAMP, STAMP))
    magnitudes, images = _calibrated(images, {name: column[readable] for name, column in catalogue.items()})
    found["image"] = images.astype(np.float32)
    found |= {f"magnitude_{band}": magnitudes[:, k] for k, band in enumerate(BANDS)}
    found |= _measured(images, magnitudes)
    if kept is not None:
        with replacing(kept, overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, identity=identity, **found)  # type: ignore[arg-type]
    return found


def _identity(paths: Sequence[Path], catalogue: Mapping[str, np.ndarray]) -> str:
    """What tells these pictures and their magnitudes from others."""
    told = hashlib.sha256(str(_READING).encode())
    for path in paths:
        state = path.stat()
        told.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    for name, column in catalogue.items():
        told.update(f"{name} {column.tolist()}\n".encode())
    return told.hexdigest()


def _calibrated(images: np.ndarray, table: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitudes (n, band) within the plugin's range, and images in nJy that have them.

    A band without a magnitude has the picture's colour to one that has, to r where there is a choice; what is brighter
    or fainter than the range is dimmed or brightened as it is.
    """
    total = images.sum(axis=(2, 3))
    own, known = -2.5 * np.log10(total), np.full(total.shape, np.nan)
    for k, band in enumerate(BANDS):
        name = next((name for name in MAGNITUDES[band] if name in table), None)
        if name is not None:
            given = numbers(table[name])
            known[:, k] = np.where((given > _CREDIBLE[0]) & (given < _CREDIBLE[1]), given, np.nan)
    red = BANDS.index("r")
    offset = NOMINAL_MAGNITUDE - own[:, red]
    for k in (*(k for k in reversed(range(len(BANDS))) if k != red), red):
        offset = np.where(np.isnan(known[:, k]), offset, known[:, k] - own[:, k])
    magnitudes = np.where(np.isnan(known), own + offset[:, None], known)
    low, high = CONDITIONS["magnitude_r"].bounds or (-np.inf, np.inf)
    magnitudes += np.maximum(low - magnitudes.min(axis=1), 0.0)[:, None]
    magnitudes -= np.maximum(magnitudes.max(axis=1) - high, 0.0)[:, None]
    magnitudes = np.clip(magnitudes, low, high)
    flux = 10.0 ** (-0.4 * (magnitudes - ZERO_POINT))
    return magnitudes, images * (flux / total)[:, :, None, None]


def _measured(images: np.ndarray, magnitudes: np.ndarray) -> dict[str, np.ndarray]:
    """Half-light radius, ellipticity and position angle of the stamps, NaN where a tool finds nothing."""
    import xarray as xr

    from .photometry import photometry

    variables: dict[str, Any] = {"image": (("sample", "band", "y", "x"), images)}
    variables["half_light_radius"] = ("sample", np.full(len(images), 5 * PIXEL_SCALE))
    variables["pixel_scale"] = ("sample", np.full(len(images), PIXEL_SCALE))
    variables |= {f"magnitude_{band}": ("sample", magnitudes[:, k]) for k, band in enumerate(BANDS)}
    found, _ = photometry(xr.Dataset(variables))
    return {
        "half_light_radius": found["flux_radius"],
        "ellipticity": found["moment_ellipticity"],
        "position_angle": found["moment_angle"],
    }


# Pictures ----------------------------------------------------------------------------------------------------------


def read_picture(path: Path) -> np.ndarray:
    """A picture as (band, y, x) float64 in the order g, r, i, row 0 at the bottom.

    Raises
    ------
    OSError, ValueError
        The file is damaged or holds no three bands.
    """
    if path.suffix.lower() == ".fits":
        from astropy.io import fits

        image = np.asarray(fits.getdata(path), dtype=np.float64)
    else:
        from PIL import Image

        with Image.open(path) as picture:
            colours = np.asarray(picture.convert("RGB"))[::-1].transpose(2, 0, 1)[::-1]
        image = np.ascontiguousarray(colours).astype(np.float64)
    if image.ndim != 3 or image.shape[0] != len(BANDS) or min(image.shape[1:]) < STAMP:
        raise ValueError(f"shape {image.shape}; expected three bands of at least {STAMP} x {STAMP} pixels")
    if not np.isfinite(image).all():
        raise ValueError("pixels that are not finite")
    return image


def to_stamp(image: np.ndarray) -> np.ndarray:
    """The central square averaged onto 64 x 64 pixels, less each band's median along the border; (band, 64, 64)."""
    side = min(image.shape[1:])
    low_y, low_x = ((size - side) // 2 for size in image.shape[1:])
    square = image[:, low_y : low_y + side, low_x : low_x + side]
    weights = _averaging(side)
    stamp = weights @ square @ weights.T
    ends = stamp[:, [0, -1]], stamp[:, :, [0, -1]]
    border = np.concatenate([end.reshape(len(stamp), -1) for end in ends], axis=1)
    return stamp - np.median(border, axis=1)[:, None, None]


@cache
def _averaging(side: int) -> np.ndarray:
    """Shares of `side` pixels in each of the stamp's, (STAMP, side); rows sum to 1."""
    edges = np.linspace(0.0, side, STAMP + 1)
    left, right = edges[:-1, None], edges[1:, None]
    pixel = np.arange(side)[None, :]
    return np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0.0, None) / (right - left)


def numbers(column: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Cells as float64, NaN where there is no number."""
    column = np.asarray(column)
    if column.dtype.kind in "iuf":
        return column.astype(np.float64)
    found = np.full(len(column), np.nan)
    for row, cell in enumerate(column.tolist()):
        try:
            found[row] = float(cell)
        except ValueError:
            continue
    return found
