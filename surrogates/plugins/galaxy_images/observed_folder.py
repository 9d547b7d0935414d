"""A folder of observed cutouts as training data: each row's cutout, its PSF and noise, and a profile fitted to it.

Galaxy Zoo 2 as it is published (`gz2_hart16.csv`; `gz2_filename_mapping.csv` with objid and asset_id; pictures named by
asset_id), or any catalogue with a cutout an object, its columns named by options. What is missing is assumed and said.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import nearest
from ...counting import Counter
from .cutout_images import Cutout, averaged, galaxy_zoo_class, psf_image, read_cutout, read_psf
from .cutouts import by_stem, numbers
from .galaxy_zoo import MAPPING, VOTES, classify, csv_table, fits_table, picture_names, vote_column
from .observed_fits import fitted_pool
from .observed_layout import LAYOUT, Reading
from .variables import BANDS, MORPHOLOGIES

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = (".jpg", ".jpeg", ".png", ".fits", ".fit")
PSF_FILES = ("psf.fits", "psf.fit")
IDENTITIES = ("dr7objid", "objid", "asset_id", "object_id", "id", "name", "file", "filename")
CLASSES = ("gz2_class", "morphology", "class")
REDSHIFTS = ("redshift", "z", "specz", "z_spec")
SDSS_PSF = 1.3
"""Median seeing of SDSS in r, arcsec."""

GALAXY_ZOO_SCALE = 0.02
"""Pixels of Galaxy Zoo 2's pictures of 424 a side, in Petrosian radii that hold 90 % of the light (Willett et al. 2013,
section 2.2)."""

NATIVE_SCALE = 0.396
"""SDSS's pixels, arcsec."""

ASSUMED_PSF = 3.0
"""FWHM in pixels of a PSF that nothing is known of."""


@dataclass
class Report:
    """What a folder gave, what it left out and what was assumed; `lines` says it."""

    used: int = 0
    left: dict[str, list[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def leave(self, why: str, name: str) -> None:
        """One object that is not used."""
        self.left.setdefault(why, []).append(name)

    def lines(self, shown: int = 5) -> list[str]:
        """One line for the galaxies used, one a kind left out with its count and first names, one an assumption."""
        kinds = [
            f"{len(names)} {why}: {', '.join(names[:shown])}{', …' if len(names) > shown else ''}"
            for why, names in self.left.items()
        ]
        return [f"{self.used} galaxies", *kinds, *self.said]


def read_observed(folder: Path, reading: Reading, *, seed: int = 0) -> tuple[xr.Dataset, Report]:
    """Training data of a folder: conditions as fitted, and the cutouts with all that the forward model needs.

    Raises
    ------
    SchemaError
        No catalogue, an unknown column, or nothing left to use.
    """
    folder, report = Path(folder), Report()
    if not folder.is_dir():
        raise SchemaError(f"folder: {folder} does not exist or is no folder; expected {LAYOUT}")
    name, table = _catalogue(folder, reading)
    identity = _column(table, name, "identity", reading.identity, IDENTITIES)
    names = picture_names(folder, table[identity])
    codes = _classes(table, name, reading)
    files = _files(folder, name)
    stems = [Path(one).stem if Path(one).suffix.lower() in SUFFIXES else one.strip() for one in names]
    for stem in sorted(set(files) - set(stems)):
        report.leave("files without a catalogue row", files[stem].name)
    rows, cutouts = [], []
    wanted = range(len(stems))
    with Counter("cutouts read", len(stems)) as progress:
        progress.announce()
        for row in wanted:
            cutout = _one(stems[row], codes[row], files, reading, report)
            progress.advance()
            if cutout is not None:
                rows.append(row)
                cutouts.append(cutout)
    if not rows:
        raise SchemaError(f"folder: {folder} has nothing to use ({'; '.join(report.lines())})")
    chosen = np.array(rows)
    scale = _scales(table, name, chosen, cutouts, reading, report)
    psf = _psfs(folder, table, name, chosen, scale, cutouts, reading, report)
    noise = _noise(table, name, chosen, cutouts, reading, report)
    _say_what_was_seen(cutouts, scale, codes[chosen], report)
    column = reading.redshift or next((one for one in REDSHIFTS if one in table), "")
    redshift = numbers(_values(table, name, "redshift", column)[chosen]) if column else np.full(len(chosen), np.nan)
    data, kept = fitted_pool(
        np.stack([one.image for one in cutouts]), np.stack([one.known for one in cutouts]), noise, psf, scale,
        codes[chosen], redshift, single=np.array([one.single for one in cutouts]), zero_point=reading.zero_point,
        deconvolve=reading.deconvolve, seed=seed,
    )  # fmt: skip
    for row in chosen[~kept]:
        report.leave("galaxies too faint or too odd to fit", stems[row])
    report.used = int(kept.sum())
    if not report.used:
        raise SchemaError(f"folder: {folder} has nothing to use ({'; '.join(report.lines())})")
    ratio = data.attrs.get("angles_divided_by", 1.0)
    if ratio != 1.0:
        report.said.append(
            f"angles divided by {ratio:.3g}, so that half-light radii lie in the plugin's range; the draws are too"
        )
    return data.assign_attrs(source=name), report


def _one(stem: str, code: int, files: Mapping[str, Path], reading: Reading, report: Report) -> Cutout | None:
    """A row's cutout, or the reason why there is none in the report."""
    if stem not in files:
        report.leave("catalogue rows without a file", stem)
        return None
    if code < 0:
        report.leave("galaxies of no class", stem)
        return None
    path = files[stem]
    try:
        picture = path.suffix.lower() not in (".fits", ".fit")
        if not picture:
            return read_cutout(path, reading.bands, reading.size)
        from PIL import Image

        with Image.open(path) as opened:
            factor = max(1, min(opened.size) // reading.size)
        return averaged(read_cutout(path, reading.bands, reading.size * factor), factor)
    except (OSError, ValueError, SyntaxError, TypeError, IndexError) as error:
        report.leave(
            "files that cannot be used", f"{path.name} ({(str(error) or type(error).__name__).splitlines()[0]})"
        )
        return None


# The catalogue -----------------------------------------------------------------------------------------------------


def _catalogue(folder: Path, reading: Reading) -> tuple[str, dict[str, np.ndarray]]:
    """Name and columns of the folder's table that has an identity, the longest of several."""
    found: list[tuple[int, str, dict[str, np.ndarray]]] = []
    for path in sorted(folder.iterdir()):
        if path.name == MAPPING or path.suffix.lower() not in (".csv", ".fits", ".fit"):
            continue
        table = csv_table(path) if path.suffix.lower() == ".csv" else fits_table(path)
        known = [reading.identity.lower()] if reading.identity else list(IDENTITIES)
        if table:
            found.append((sum(one in table for one in known), path.name, table))
    if not found:
        raise SchemaError(f"folder: {folder} has no catalogue; expected {LAYOUT}")
    _, name, table = max(found, key=lambda one: (one[0] > 0, len(next(iter(one[2].values()), ())), one[1]))
    return name, table


def _column(table: Mapping[str, Any], name: str, option: str, asked: str, usual: Sequence[str]) -> str:
    if asked:
        if asked.lower() not in table:
            raise SchemaError.about(
                option, f"{name} has no column {asked!r}", f"one of {', '.join(table)}", hint=nearest(asked, table)
            )
        return asked.lower()
    there = next((one for one in usual if one in table), "")
    if not there:
        raise SchemaError(
            f"{option}: {name} has none of the columns {', '.join(usual)}; name it by --set {option}=COLUMN "
            f"(it has {', '.join(table)})"
        )
    return there


def _values(table: Mapping[str, np.ndarray], name: str, option: str, asked: str) -> np.ndarray:
    return table[_column(table, name, option, asked, ())]


def _classes(table: Mapping[str, np.ndarray], name: str, reading: Reading) -> np.ndarray:
    """Class codes, -1 for none: a column of names, codes or Galaxy Zoo 2 strings, else the votes."""
    votes = {kind: vote_column(table, question) for kind, question, _ in VOTES}
    column = reading.morphology.lower() or next((one for one in CLASSES if one in table), "")
    if not column or (not reading.morphology and all(votes.values())):
        missing = [question for kind, question, _ in VOTES if not votes[kind]]
        if missing:
            raise SchemaError(
                f"morphology: {name} has neither a column of classes ({', '.join(CLASSES)}) nor the votes "
                f"{', '.join(missing)}; name it by --set morphology=COLUMN (it has {', '.join(table)})"
            )
        return classify({kind: numbers(table[vote]) for kind, vote in votes.items()})
    values = _values(table, name, "morphology", column)
    codes = np.full(len(values), -1, dtype=np.int8)
    for row, value in enumerate(values.tolist()):
        text = str(value).strip().lower().replace("-", "_").replace(" ", "_")
        kind = text if text in MORPHOLOGIES else galaxy_zoo_class(str(value))
        if text.lstrip("+").isdecimal() and int(text) < len(MORPHOLOGIES):
            codes[row] = int(text)
        elif kind:
            codes[row] = MORPHOLOGIES.index(kind)
    return codes


def _files(folder: Path, catalogue: str) -> dict[str, Path]:
    """Stem -> path of every cutout."""
    taken = {catalogue, *PSF_FILES}
    return by_stem(
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not (path.parent == folder and path.name in taken)
    )


# What the forward model needs --------------------------------------------------------------------------------------


def _scales(
    table: Mapping[str, np.ndarray],
    name: str,
    rows: np.ndarray,
    cutouts: list[Cutout],
    reading: Reading,
    report: Report,
) -> np.ndarray:
    """Pixel scales (n,) of the stamps, arcsec."""
    binned = np.array([one.binned for one in cutouts])
    stated = np.array([one.scale for one in cutouts]) / binned
    if reading.pixel_scale:
        scale = _number_or_column(table, name, "pixel_scale", reading.pixel_scale, rows)
    elif "petror90_r" in table and np.isnan(stated).all():
        scale = GALAXY_ZOO_SCALE * numbers(table["petror90_r"][rows])
    else:
        scale = stated
    unknown = ~(np.isfinite(scale) & (scale > 0))
    if unknown.any():
        assumed = float(np.median(scale[~unknown])) if (~unknown).any() else NATIVE_SCALE
        scale = np.where(unknown, assumed, scale)
        report.said.append(f"pixel scale of {int(unknown.sum())} cutouts not known: {assumed:.3g} arcsec assumed")
    return scale * binned


def _number_or_column(
    table: Mapping[str, np.ndarray], name: str, option: str, asked: str, rows: np.ndarray
) -> np.ndarray:
    try:
        return np.full(len(rows), float(asked))
    except ValueError:
        return numbers(_values(table, name, option, asked)[rows])


def _by_band(table: Mapping[str, np.ndarray], name: str, option: str, asked: str, rows: np.ndarray) -> np.ndarray:
    """(n, band) of a number, of numbers apart by slashes, of a column, or of one a band."""
    parts = asked.split("/") if "/" in asked else [asked.replace("{band}", band) for band in BANDS]
    if len(parts) != len(BANDS):
        raise SchemaError.about(option, asked, f"one value, or {len(BANDS)} apart by /: {'/'.join(BANDS)}")
    return np.stack([_number_or_column(table, name, option, part, rows) for part in parts], axis=1)


def _psfs(
    folder: Path,
    table: Mapping[str, np.ndarray],
    name: str,
    rows: np.ndarray,
    scale: np.ndarray,
    cutouts: list[Cutout],
    reading: Reading,
    report: Report,
) -> np.ndarray:
    """PSFs (n, band, 41, 41) at the stamps' pixel scales."""
    path = next((folder / one for one in PSF_FILES if (folder / one).is_file()), None)
    if path is not None and not reading.psf_fwhm:
        try:
            known = {factor: read_psf(path, reading.bands, factor) for factor in {one.binned for one in cutouts}}
        except (OSError, ValueError) as error:
            raise SchemaError(f"{path.name}: {error}") from None
        images = {factor: image.astype(np.float32) for factor, image in known.items()}
        if len(images) == 1:
            (image,) = images.values()
            return np.broadcast_to(image, (len(rows), *image.shape))
        return np.stack([images[one.binned] for one in cutouts])
    if reading.psf_fwhm:
        fwhm = _by_band(table, name, "psf_fwhm", reading.psf_fwhm, rows) / scale[:, None]
    else:
        pictures = "petror90_r" in table and not reading.pixel_scale
        fwhm = np.repeat(
            (SDSS_PSF / scale if pictures else np.full(len(rows), ASSUMED_PSF))[:, None], len(BANDS), axis=1
        )
        told = f"{SDSS_PSF:g} arcsec" if pictures else f"{ASSUMED_PSF:g} pixels"
        report.said.append(
            f"PSF not given: {reading.psf} of {told} FWHM assumed; name it by --set psf_fwhm=, or psf.fits"
        )
    bad = ~(np.isfinite(fwhm) & (fwhm > 0))
    if bad.any():
        typical = float(np.median(fwhm[~bad])) if (~bad).any() else ASSUMED_PSF
        fwhm = np.where(bad, typical, fwhm)
        report.said.append(f"PSF of {int(bad.any(1).sum())} cutouts not known: {typical:.3g} pixels FWHM assumed")
    fwhm = np.round(np.clip(fwhm, 0.8, 20.0), 2)
    made = {width: psf_image(reading.psf, width).astype(np.float32) for width in np.unique(fwhm).tolist()}
    return np.stack([np.stack([made[width] for width in row]) for row in fwhm.tolist()])


def _noise(
    table: Mapping[str, np.ndarray],
    name: str,
    rows: np.ndarray,
    cutouts: list[Cutout],
    reading: Reading,
    report: Report,
) -> np.ndarray:
    """Standard deviations (n, band) in a pixel of the stamps."""
    measured = np.stack([one.noise for one in cutouts])
    if not reading.noise:
        report.said.append("noise not given: measured on each cutout's border")
        found = measured
    else:
        binned = np.array([one.binned for one in cutouts])
        found = _by_band(table, name, "noise", reading.noise, rows) * binned[:, None]  # of sums of binned^2 pixels
        bad = ~(np.isfinite(found) & (found >= 0))
        if bad.any():
            report.said.append(f"noise of {int(bad.any(1).sum())} cutouts not known: measured on their borders")
            found = np.where(bad, measured, found)
    peak = np.stack([one.image.max(axis=(1, 2)) for one in cutouts])
    return np.maximum(found, 1e-4 * peak)


def _say_what_was_seen(cutouts: list[Cutout], scale: np.ndarray, codes: np.ndarray, report: Report) -> None:
    """Mixed sizes and scales, negative sky, single bands, one class: none is an error, all are said."""
    sizes = Tally(one.shape for one in cutouts)
    if len(sizes) > 1:
        told = ", ".join(f"{count} of {x} x {y}" for (y, x), count in sizes.most_common(4))
        side = cutouts[0].image.shape[-1]
        report.said.append(
            f"{len(sizes)} sizes ({told}): the middle {side} pixels used, smaller ones filled with unknown"
        )
    if scale.max() > 1.02 * scale.min():
        report.said.append(f"pixel scales from {scale.min():.3g} to {scale.max():.3g} arcsec: each drawn at its own")
    dark = sum(bool((one.sky < -0.5 * one.noise).any()) for one in cutouts)
    if dark:
        report.said.append(f"{dark} cutouts with a negative sky: the border's median was taken off, as of all")
    single = sum(one.single for one in cutouts)
    if single:
        report.said.append(f"{single} cutouts of one band, which stands for all: their draws have no colours")
    kinds = sorted({MORPHOLOGIES[code] for code in codes.tolist()})
    if len(kinds) == 1:
        report.said.append(f"one class alone, {kinds[0]}: of the others nothing is learned, do not ask them")
    few = {MORPHOLOGIES[code]: count for code, count in Tally(codes.tolist()).items() if count < 50}
    if few:
        report.said.append("few cutouts of " + ", ".join(f"{kind} ({count})" for kind, count in sorted(few.items())))
