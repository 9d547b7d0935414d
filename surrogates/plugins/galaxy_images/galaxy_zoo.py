"""Real cutouts with a Galaxy Zoo 2 catalogue as training data: votes to classes, pictures to stamps, what was left out.

Columns are those of Hart et al. 2016 (MNRAS 461, 3663; table `gz2_hart16`), pictures are named by `asset_id` through
`gz2_filename_mapping.csv`, or by `dr7objid` itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import nearest
from .variables import BANDS, CONDITIONS, MORPHOLOGIES, OUTPUTS, PIXEL_SCALE, STAMP, ZERO_POINT

if TYPE_CHECKING:
    import xarray as xr

VOTES: tuple[tuple[str, str, float], ...] = (
    ("merger", "t08_odd_feature_a24_merger", 0.4),
    ("edge_on", "t02_edgeon_a04_yes", 0.5),
    ("elliptical", "t01_smooth_or_features_a01_smooth", 0.6),
    ("spiral", "t01_smooth_or_features_a02_features_or_disk", 0.5),
)
"""Class, question and least vote fraction (exceeded), in order of priority."""

FRACTIONS = ("_debiased", "_weighted_fraction", "_fraction")
"""Endings of a question's columns, the preferred one first."""

IDENTITY = "dr7objid"
MAPPING = "gz2_filename_mapping.csv"
PICTURES = (".jpg", ".jpeg", ".png", ".fits")
REDSHIFTS = ("redshift", "z", "specz", "z_spec")
MAGNITUDES: Mapping[str, tuple[str, ...]] = {
    band: (f"petromag_{band}", f"magnitude_{band}", f"mag_{band}") for band in BANDS
}
NOMINAL_MAGNITUDE = 21.0
"""AB magnitude in r of a picture whose catalogue has none: pictures are not calibrated."""


@dataclass(frozen=True)
class Report:
    """What a folder gave, and what it left out.

    Attributes
    ----------
    used : int
        Galaxies in the Dataset.
    unreadable : tuple of (str, str)
        Pictures that could not be read, and why.
    without_image : tuple of str
        Catalogue rows that have no picture.
    without_row : tuple of str
        Pictures that the catalogue does not know.
    unclassified : tuple of str
        Rows whose votes decide no class.
    """

    used: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    without_image: tuple[str, ...] = ()
    without_row: tuple[str, ...] = ()
    unclassified: tuple[str, ...] = ()

    def lines(self, shown: int = 5) -> list[str]:
        """One line of text for each kind, with a count and the first names."""
        kinds = {
            "unreadable images, skipped": tuple(f"{name} ({reason})" for name, reason in self.unreadable),
            "catalogue rows without an image": self.without_image,
            "images without a catalogue row": self.without_row,
            "galaxies whose votes decide no class": self.unclassified,
        }
        lines = [f"{self.used} galaxies"]
        for text, names in kinds.items():
            if names:
                more = ", …" if len(names) > shown else ""
                lines.append(f"{len(names)} {text}: {', '.join(names[:shown])}{more}")
        return lines


def classify(fractions: Mapping[str, np.ndarray]) -> np.ndarray:
    """Class codes from vote fractions, -1 where no rule decides.

    Parameters
    ----------
    fractions : mapping
        Class -> (n,) vote fraction of its question in `VOTES`.
    """
    codes = np.full(len(next(iter(fractions.values()))), -1, dtype=np.int8)
    for name, _, least in reversed(VOTES):
        codes[np.nan_to_num(fractions[name], nan=-1.0) > least] = MORPHOLOGIES.index(name)
    return codes


def read_folder(folder: str | Path, *, seed: int = 0) -> tuple[xr.Dataset, Report]:
    """Stamps and conditions of a folder of cutouts.

    Parameters
    ----------
    folder : path
        Holds one catalogue, CSV or FITS, with the columns of Hart et al. 2016, perhaps `gz2_filename_mapping.csv`
        (`objid`, `asset_id`), and the pictures: `.jpg` or `.png` (red, green, blue = i, r, g), or `.fits` images
        (band, y, x) in the order g, r, i, beside it or in folders below.
    seed : int
        Of what the prior fills.

    Returns
    -------
    Dataset
        Conditions and outputs: pictures averaged onto 64 x 64 pixels of a nominal 0.1 arcsec, background subtracted,
        each band scaled to its catalogue magnitude, or r to the nominal magnitude of 21 with the picture's colours.
        Size and shape are measured on the stamp (photutils, hsm); the redshift is the catalogue's where it has one;
        the attribute `filled` names the conditions that the prior filled, at least in part.
    Report

    Raises
    ------
    SchemaError
        No catalogue, no picture, a missing column, or nothing left to use.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SchemaError(f"folder: {folder} does not exist or is no folder; expected cutouts and a catalogue")
    path, table = _catalogue(folder)
    pictures = _pictures(folder, path)
    names = _names(folder, table[IDENTITY])
    codes = classify({kind: _numbers(table[_vote(table, question)]) for kind, question, _ in VOTES})
    identities = [str(identity) for identity in table[IDENTITY]]
    without_image = tuple(i for i, name in zip(identities, names, strict=True) if name not in pictures)
    without_row = tuple(path.name for stem, path in sorted(pictures.items()) if stem not in set(names))
    unclassified = tuple(i for i, code in zip(identities, codes, strict=True) if code < 0)
    rows, images, unreadable = [], [], []
    for row, name in enumerate(names):
        if codes[row] < 0 or name not in pictures:
            continue
        try:
            images.append(to_stamp(read_picture(pictures[name])))
            rows.append(row)
        except (OSError, ValueError, SyntaxError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            unreadable.append((pictures[name].name, reason))
    report = Report(len(rows), tuple(unreadable), without_image, without_row, unclassified)
    if not rows:
        raise SchemaError(f"folder: {folder} has nothing to use ({'; '.join(report.lines())})")
    kept = {name: column[rows] for name, column in table.items()}
    return _dataset(np.stack(images), codes[rows], kept, seed).assign_attrs(source=path.name), report


def _dataset(images: np.ndarray, codes: np.ndarray, table: Mapping[str, np.ndarray], seed: int) -> xr.Dataset:
    from ...sampling.request import condition_dataset
    from .prior import complete

    n = len(images)
    magnitudes, images = _calibrated(images, table)
    given: dict[str, Any] = {"morphology": codes, "pixel_scale": np.full(n, PIXEL_SCALE)}
    given |= {f"magnitude_{band}": magnitudes[:, k] for k, band in enumerate(BANDS)}
    given |= _measured(images, given)
    redshift = next((_numbers(table[name]) for name in REDSHIFTS if name in table), np.full(n, np.nan))
    given["redshift"] = np.where(redshift > 0, redshift, np.nan)
    for name, values in given.items():
        bounds = CONDITIONS[name].bounds
        if bounds is not None:
            given[name] = np.where((values >= bounds[0]) & (values <= bounds[1]), values, np.nan)
    asked = condition_dataset(CONDITIONS, n=n, check=False, **given)
    filled = [
        variable.name
        for variable in CONDITIONS
        if variable.optional and not variable.dims and variable.categories is None
        if np.isnan(asked[variable.name].values).any()
    ]
    outputs = OUTPUTS.dataset({"image": images, "enclosed_flux_fraction": np.ones((n, len(BANDS)))})
    return complete(CONDITIONS, asked, seed).merge(outputs).assign_attrs(filled=" ".join(filled))


def _calibrated(images: np.ndarray, table: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitudes (n, band), and images in nJy that have them."""
    total = np.maximum(images.sum(axis=(2, 3)), 1e-12)
    flux = total / total[:, [1]] * 10.0 ** (-0.4 * (NOMINAL_MAGNITUDE - ZERO_POINT))
    for k, band in enumerate(BANDS):
        name = next((name for name in MAGNITUDES[band] if name in table), None)
        if name is not None:
            known = 10.0 ** (-0.4 * (_numbers(table[name]) - ZERO_POINT))
            flux[:, k] = np.where(np.isfinite(known), known, flux[:, k])
    return ZERO_POINT - 2.5 * np.log10(flux), images * (flux / total)[:, :, None, None]


def _measured(images: np.ndarray, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Half-light radius, ellipticity and position angle of the stamps, NaN where a tool finds nothing."""
    import xarray as xr

    from .photometry import photometry

    radius = np.full(len(images), 5 * PIXEL_SCALE)
    variables = {"image": (("sample", "band", "y", "x"), images), "half_light_radius": ("sample", radius)}
    variables |= {name: ("sample", values) for name, values in given.items()}
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
            image = np.asarray(picture.convert("RGB"), dtype=np.float64)[::-1].transpose(2, 0, 1)[::-1]
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
    stamp = np.einsum("ai,bij,cj->bac", weights, square, weights)
    ends = stamp[:, [0, -1]], stamp[:, :, [0, -1]]
    border = np.concatenate([end.reshape(len(stamp), -1) for end in ends], axis=1)
    return stamp - np.median(border, axis=1)[:, None, None]


def _averaging(side: int) -> np.ndarray:
    """Shares of `side` pixels in each of the stamp's, (STAMP, side); rows sum to 1."""
    edges = np.linspace(0.0, side, STAMP + 1)
    left, right = edges[:-1, None], edges[1:, None]
    pixel = np.arange(side)[None, :]
    return np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0.0, None) / (right - left)


def _pictures(folder: Path, catalogue: Path) -> dict[str, Path]:
    """Stem -> path of every picture."""
    found = {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES}
    found = {stem: path for stem, path in found.items() if path != catalogue}
    if not found:
        raise SchemaError(f"folder: {folder} has no pictures; expected files that end in {', '.join(PICTURES)}")
    return found


# Catalogue ---------------------------------------------------------------------------------------------------------


def _catalogue(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """The table in the folder that has the votes, or the error that says what is missing from the nearest one."""
    best: tuple[int, Path, list[str]] | None = None
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".fits")):
        if path.name == MAPPING:
            continue
        table = _fits_table(path) if path.suffix.lower() == ".fits" else _csv_table(path)
        missing = [] if IDENTITY in table else [IDENTITY]
        missing += [question + FRACTIONS[0] for _, question, _ in VOTES if _vote(table, question) == ""]
        if table and not missing:
            return path, table
        if table and (best is None or len(missing) < best[0]):
            wanted = missing[0]
            best = len(missing), path, [*missing, nearest(wanted, table)]
    if best is None:
        raise SchemaError(f"folder: {folder} has no catalogue; expected a CSV or FITS table with {IDENTITY} and votes")
    *missing, hint = best[2]
    raise SchemaError(f"{best[1].name}: missing columns {', '.join(missing)}{hint}; expected those of Hart et al. 2016")


def _vote(table: Mapping[str, Any], question: str) -> str:
    return next((question + ending for ending in FRACTIONS if question + ending in table), "")


def _csv_table(path: Path) -> dict[str, np.ndarray]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = list(csv.reader(file))
    if not lines:
        return {}
    header = [name.strip().lower() for name in lines[0]]
    for number, line in enumerate(lines[1:], start=2):
        if line and len(line) != len(header):
            raise SchemaError(f"{path.name}: line {number} has {len(line)} cells, the header {len(header)}")
    columns = list(zip(*(line for line in lines[1:] if line), strict=True)) or [()] * len(header)
    return {name: np.array(column, dtype=np.str_) for name, column in zip(header, columns, strict=True)}


def _fits_table(path: Path) -> dict[str, np.ndarray]:
    from astropy.io import fits

    try:
        with fits.open(path) as file:
            tables: list[Any] = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU)]
            if not tables:
                return {}
            return {name.lower(): np.array(tables[0].data[name]) for name in tables[0].columns.names}
    except OSError:
        return {}


def _names(folder: Path, identities: np.ndarray) -> list[str]:
    """The stem of each row's picture: its asset where the mapping knows it, else its own identity."""
    path = folder / MAPPING
    if not path.is_file():
        return [str(identity) for identity in identities]
    table = _csv_table(path)
    lacking = [name for name in ("objid", "asset_id") if name not in table]
    if lacking:
        raise SchemaError(f"{MAPPING}: missing columns {', '.join(lacking)}; found {', '.join(table)}")
    known = dict(zip(table["objid"].tolist(), table["asset_id"].tolist(), strict=True))
    return [known.get(str(identity), str(identity)) for identity in identities]


def _numbers(column: Sequence[Any] | np.ndarray) -> np.ndarray:
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
