"""Real cutouts with a Galaxy Zoo 2 catalogue as training data: votes to classes, pictures to stamps, what was left out.

Columns are those of Hart et al. 2016 (MNRAS 461, 3663; table `gz2_hart16`), pictures are named by `asset_id` through
`gz2_filename_mapping.csv`, or by `dr7objid` itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import nearest
from ...counting import Counter
from .cutouts import MAGNITUDES, MEASURED, by_stem, numbers, part
from .variables import BANDS, CONDITIONS, MORPHOLOGIES, OUTPUTS, PIXEL_SCALE, STAMP

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
PART = 1024
"""Pictures whose stamps are kept in one file."""


LAYOUT = (
    "a folder with one catalogue (CSV or FITS, the columns dr7objid and the votes of Hart et al. 2016, Galaxy Zoo 2), "
    "the cutouts it names as <dr7objid>.jpg, .png or .fits of 64 x 64 pixels or more, in folders below or beside it, "
    "and perhaps gz2_filename_mapping.csv (objid, asset_id) that names them otherwise"
)
"""What a folder holds."""


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


def read_folder(folder: str | Path, *, seed: int = 0, kept: Path | None = None) -> tuple[xr.Dataset, Report]:
    """Stamps and conditions of a folder of cutouts.

    Parameters
    ----------
    folder : path
        Holds one catalogue, CSV or FITS, with the columns of Hart et al. 2016, perhaps `gz2_filename_mapping.csv`
        (`objid`, `asset_id`), and the pictures: `.jpg` or `.png` (red, green, blue = i, r, g), or `.fits` images
        (band, y, x) in the order g, r, i, beside it or in folders below.
    seed : int
        Of what the prior fills.
    kept : path, optional
        Folder of the caller's own that keeps stamps and what is measured on them, a thousand in a file, so that a
        killed reading goes on and a second one takes a fraction of the time; changed pictures are read anew.

    Returns
    -------
    Dataset
        Conditions and outputs: pictures averaged onto 64 x 64 pixels of a nominal 0.1 arcsec, background subtracted,
        each band scaled to its catalogue magnitude; where it has none, by the picture's colours to r's, or to the
        nominal magnitude of 21 in r. A galaxy beyond the plugin's range of magnitudes is dimmed or brightened into it.
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
    names = picture_names(folder, table[IDENTITY])
    codes = classify({kind: numbers(table[vote_column(table, question)]) for kind, question, _ in VOTES})
    identities = [str(identity) for identity in table[IDENTITY]]
    known = set(names)
    without_image = tuple(i for i, name in zip(identities, names, strict=True) if name not in pictures)
    without_row = tuple(path.name for stem, path in sorted(pictures.items()) if stem not in known)
    unclassified = tuple(i for i, code in zip(identities, codes, strict=True) if code < 0)
    wanted = np.array([row for row, name in enumerate(names) if codes[row] >= 0 and name in pictures], dtype=int)
    parts: list[dict[str, np.ndarray]] = []
    image, filled = np.empty((len(wanted), len(BANDS), STAMP, STAMP), dtype=np.float32), 0
    with Counter("cutouts read", len(wanted)) as progress:
        progress.announce()
        for number, start in enumerate(range(0, len(wanted), PART)):
            rows = wanted[start : start + PART]
            magnitudes = {key: table[key][rows] for band in BANDS for key in MAGNITUDES[band] if key in table}
            place = None if kept is None else kept / f"cutouts-{number:05d}.npz"
            found = part([pictures[names[row]] for row in rows], magnitudes, place, progress)
            stamps = found.pop("image")  # into one array of all, so that there is never a second one
            image[filled : filled + len(stamps)] = stamps
            filled += len(stamps)
            parts.append(found)
    readable = np.concatenate([found["readable"] for found in parts]) if parts else np.zeros(0, dtype=bool)
    reasons = [str(reason) for found in parts for reason in found["reasons"]]
    unreadable = zip((pictures[names[row]].name for row in wanted[~readable]), reasons, strict=True)
    rows = wanted[readable]
    report = Report(len(rows), tuple(unreadable), without_image, without_row, unclassified)
    if not len(rows):
        raise SchemaError(f"folder: {folder} has nothing to use ({'; '.join(report.lines())})")
    measured = {name: np.concatenate([found[name] for found in parts]) for name in MEASURED}
    measured["image"] = image[:filled]
    redshift = next((numbers(table[name][rows]) for name in REDSHIFTS if name in table), np.full(len(rows), np.nan))
    return _dataset(measured, codes[rows], redshift, seed).assign_attrs(source=path.name), report


def _dataset(found: Mapping[str, np.ndarray], codes: np.ndarray, redshift: np.ndarray, seed: int) -> xr.Dataset:
    from ...sampling.request import condition_dataset
    from .prior import complete

    n = len(codes)
    given: dict[str, Any] = {"morphology": codes, "pixel_scale": np.full(n, PIXEL_SCALE)}
    given |= {name: found[name] for name in MEASURED}
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
    outputs = OUTPUTS.dataset({"image": found["image"], "enclosed_flux_fraction": np.ones((n, len(BANDS)))})
    return complete(CONDITIONS, asked, seed).merge(outputs).assign_attrs(filled=" ".join(filled))


def _pictures(folder: Path, catalogue: Path) -> dict[str, Path]:
    """Stem -> path of every picture."""
    pictures = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and path != catalogue)
    found = by_stem(pictures)
    if not found:
        raise SchemaError(f"folder: {folder} has no pictures; expected {LAYOUT}")
    return found


# Catalogue ---------------------------------------------------------------------------------------------------------


def _catalogue(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """The table in the folder that has the votes, or the error that says what is missing from the nearest one."""
    best: tuple[int, Path, list[str]] | None = None
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".fits")):
        if path.name == MAPPING:
            continue
        table = fits_table(path) if path.suffix.lower() == ".fits" else csv_table(path)
        missing = [] if IDENTITY in table else [IDENTITY]
        missing += [question + FRACTIONS[0] for _, question, _ in VOTES if vote_column(table, question) == ""]
        if table and not missing:
            return path, table
        if table and (best is None or len(missing) < best[0]):
            wanted = missing[0]
            best = len(missing), path, [*missing, nearest(wanted, table)]
    if best is None:
        raise SchemaError(f"folder: {folder} has no catalogue; expected {LAYOUT}")
    *missing, hint = best[2]
    raise SchemaError(f"{best[1].name}: missing columns {', '.join(missing)}{hint}; expected those of Hart et al. 2016")


def vote_column(table: Mapping[str, Any], question: str) -> str:
    return next((question + ending for ending in FRACTIONS if question + ending in table), "")


def csv_table(path: Path) -> dict[str, np.ndarray]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SchemaError(f"{path.name}: does not read as a table ({error}); expected CSV in UTF-8") from None
    if not lines:
        return {}
    header = [name.strip().lower() for name in lines[0]]
    for number, line in enumerate(lines[1:], start=2):
        if line and len(line) != len(header):
            raise SchemaError(f"{path.name}: line {number} has {len(line)} cells, the header {len(header)}")
    columns = list(zip(*(line for line in lines[1:] if line), strict=True)) or [()] * len(header)
    return {name: np.array(column, dtype=np.str_) for name, column in zip(header, columns, strict=True)}


def fits_table(path: Path) -> dict[str, np.ndarray]:
    from astropy.io import fits

    try:
        with fits.open(path) as file:
            tables: list[Any] = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU)]
            if not tables:
                return {}
            return {name.lower(): np.array(tables[0].data[name]) for name in tables[0].columns.names}
    except OSError:
        return {}


def picture_names(folder: Path, identities: np.ndarray) -> list[str]:
    """The stem of each row's picture: its asset where the mapping knows it, else its own identity."""
    path = folder / MAPPING
    if not path.is_file():
        return [str(identity) for identity in identities]
    table = csv_table(path)
    lacking = [name for name in ("objid", "asset_id") if name not in table]
    if lacking:
        raise SchemaError(f"{MAPPING}: missing columns {', '.join(lacking)}; found {', '.join(table)}")
    known = dict(zip(table["objid"].tolist(), table["asset_id"].tolist(), strict=True))
    return [known.get(str(identity), str(identity)) for identity in identities]
