"""A finished catalogue as a FITS table, an HDF5 file, or a HATS catalogue of Parquet files by HEALPix pixel.

HATS is the layout that LSDB opens: https://www.ivoa.net/documents/Notes/HATS/. Every file is written in one pass or a
few over the parts, in memory that does not grow with the survey, and holds the same bytes whenever it is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io.atomic import replacing
from ..io.hdf5_writing import write_hdf5
from ..io.shards import read_shards
from ..io.tables import parquet_for
from ..provenance import package_version
from .catalogues import FOLDER
from .galaxies import columns
from .request import Survey

if TYPE_CHECKING:
    import xarray as xr

BLOCK = 1 << 16
PIXEL = "_healpix_29"
ORDER = 29
"""HEALPix order of the pixel that each row of a HATS catalogue names."""

MOST_ROWS = 500_000
"""In a file of a HATS catalogue, where nothing else is asked."""

PROPERTIES = ("hats.properties", "properties")
"""Files by which programs know a folder for a HATS catalogue; they are written last."""

FINEST = 10
"""HEALPix order of the smallest partition."""

_AT_ONCE = 1_500_000  # rows in memory


def blocks(folder: Path) -> Iterator[xr.Dataset]:
    """The catalogue of a survey's folder, in blocks."""
    return read_shards(folder / FOLDER, block_rows=BLOCK)


def structured(block: xr.Dataset, bands: str) -> np.ndarray:
    """A block as a structured array."""
    described = columns(bands)
    rows = np.empty(block.sizes["sample"], dtype=[(name, kind) for name, (kind, _, _) in described.items()])
    for name in described:
        rows[name] = block["sample" if name == "galaxy_id" else name].values
    return rows


def write_fits(survey: Survey, folder: Path, *, overwrite: bool = True) -> Path:
    """A binary table `GALAXIES` in `galaxies.fits`."""
    from astropy.io import fits

    described = columns(survey.bands)
    kinds = {"int64": ">i8", "float64": ">f8", "float32": ">f4", "int8": ">i2"}
    stored = np.dtype([(name, kinds[kind]) for name, (kind, _, _) in described.items()])
    total = sum(block.sizes["sample"] for block in blocks(folder))
    header = fits.BinTableHDU(np.zeros(0, stored), name="GALAXIES").header
    header["NAXIS2"] = total
    for number, (_, units, text) in enumerate(described.values(), start=1):
        if units != "1":
            header[f"TUNIT{number}"] = {"degree": "deg", "km s-1": "km/s"}.get(units, units)
        header.comments[f"TTYPE{number}"] = text[:46]
    target = folder / "galaxies.fits"
    with replacing(target, overwrite=overwrite) as temporary, open(temporary, "wb") as file:
        primary = fits.PrimaryHDU().header
        primary["ORIGIN"] = f"surrogates {package_version('surrogates')}"
        for name, value in survey.settings().items():
            primary["HISTORY"] = f"{name} = {json.dumps(value)}"
        file.write(primary.tostring().encode("ascii"))
        file.write(header.tostring().encode("ascii"))
        written = 0
        for block in blocks(folder):
            written += file.write(structured(block, survey.bands).astype(stored).tobytes())
        file.write(b"\0" * (-written % 2880))
    return target


def write_hdf5_file(survey: Survey, folder: Path, *, overwrite: bool = True) -> Path:
    """The Datasets of the catalogue in `galaxies.h5`, a variable a column."""
    target = folder / "galaxies.h5"
    named = (
        block.assign(galaxy_id=("sample", block["sample"].values, block["sample"].attrs)) for block in blocks(folder)
    )
    write_hdf5(named, target, overwrite=overwrite)
    return target


def healpix(right_ascension: np.ndarray, declination: np.ndarray, order: int = ORDER) -> np.ndarray:
    """Nested HEALPix pixels of an order."""
    import healpy

    return healpy.ang2pix(1 << order, right_ascension, declination, nest=True, lonlat=True)


def partitions(counts: dict[int, int], most: int = MOST_ROWS) -> list[tuple[int, int, int]]:
    """Pixels (order, pixel, rows) that hold at most `most` rows each, from the rows of pixels of the order `FINEST`.

    A pixel of that order is cut no further, however many rows it has.
    """
    found = []
    fine = np.array(sorted(counts), dtype=np.int64)
    before = np.concatenate(([0], np.cumsum([counts[pixel] for pixel in fine.tolist()], dtype=np.int64)))
    waiting = [(0, pixel) for pixel in sorted({pixel >> 2 * FINEST for pixel in counts}, reverse=True)]
    while waiting:
        order, pixel = waiting.pop()
        first, last = np.searchsorted(fine, [pixel << 2 * (FINEST - order), (pixel + 1) << 2 * (FINEST - order)])
        rows = int(before[last] - before[first])
        if rows > most and order < FINEST:
            waiting += [(order + 1, 4 * pixel + k) for k in reversed(range(4))]
        elif rows:
            found.append((order, pixel, rows))
    return found  # from the first place of the sky on: pixels nest


def rows_of_bytes(survey: Survey, number: int) -> int:
    """Rows whose columns have so many bytes together; a HATS file has some fewer, as Parquet packs them."""
    kinds = np.dtype([(PIXEL, "int64"), *((name, kind) for name, (kind, _, _) in columns(survey.bands).items())])
    return max(1, number // kinds.itemsize)


def write_hats(survey: Survey, folder: Path, *, most_rows: int = MOST_ROWS, overwrite: bool = True) -> Path:
    """A HATS catalogue in `hats`: rows by pixel, at most `most_rows` a file, there by `_healpix_29`, then identity."""
    arrow = parquet_for("a HATS catalogue")
    place = folder / "hats"
    schema = _schema(arrow, survey.bands)
    counts: dict[int, int] = {}
    for block in blocks(folder):
        fine, n = np.unique(healpix(block["ra"].values, block["dec"].values, FINEST), return_counts=True)
        for pixel, rows in zip(fine.tolist(), n.tolist(), strict=True):
            counts[pixel] = counts.get(pixel, 0) + rows
    parts = partitions(counts, most_rows)
    if overwrite:
        for name in PROPERTIES:  # half a catalogue has none, so that nobody takes it for a whole one
            (place / name).unlink(missing_ok=True)
    names = {place / "dataset" / _leaf(order, pixel) for order, pixel, _ in parts}
    for stale in set((place / "dataset").glob("Norder=*/Dir=*/Npix=*.parquet")) - names:  # cut otherwise before
        stale.unlink()
    metadata = []
    for group in _groups(parts):
        gathered: list[list[np.ndarray]] = [[] for _ in group]
        for block in blocks(folder):
            rows = structured(block, survey.bands)
            pixel = healpix(rows["ra"], rows["dec"])
            for number, (order, wanted, _) in enumerate(group):
                inside = pixel >> 2 * (ORDER - order) == wanted
                if inside.any():
                    gathered[number].append(_with_pixel(pixel[inside], rows[inside]))
        for (order, wanted, _), pieces in zip(group, gathered, strict=True):
            rows = np.concatenate(pieces)
            rows = rows[np.lexsort((rows["galaxy_id"], rows[PIXEL]))]
            name = _leaf(order, wanted)
            target = place / "dataset" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            table = arrow.table([arrow.array(rows[field.name]) for field in schema], schema=schema)
            _whole(target, lambda path, table=table: arrow.parquet.write_table(table, path), overwrite)
            footer = arrow.parquet.read_metadata(target)
            footer.set_file_path(name)
            metadata.append(footer)
    _describe(survey, place, parts, schema, metadata, most_rows, overwrite)
    return place


def _leaf(order: int, pixel: int) -> str:
    return f"Norder={order}/Dir={pixel // 10_000 * 10_000}/Npix={pixel}.parquet"


def _with_pixel(pixel: np.ndarray, rows: np.ndarray) -> np.ndarray:
    wide = np.empty(len(rows), dtype=[(PIXEL, "int64"), *((name, rows.dtype[name]) for name in rows.dtype.names or ())])
    wide[PIXEL] = pixel
    for name in rows.dtype.names or ():
        wide[name] = rows[name]
    return wide


def _groups(parts: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Partitions that are gathered in one pass."""
    group: list[tuple[int, int, int]] = []
    for part in parts:
        if group and sum(rows for _, _, rows in (*group, part)) > _AT_ONCE:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _schema(arrow: Any, bands: str) -> Any:
    fields = [arrow.field(PIXEL, arrow.int64())]
    for name, (kind, units, text) in columns(bands).items():
        about = {"units": units, "description": text}
        fields.append(arrow.field(name, arrow.from_numpy_dtype(np.dtype(kind)), metadata=about))
    return arrow.schema(fields)


def _describe(
    survey: Survey,
    place: Path,
    parts: list[tuple[int, int, int]],
    schema: Any,
    metadata: list[Any],
    most_rows: int,
    overwrite: bool,
) -> None:
    arrow = parquet_for("a HATS catalogue")
    (place / "dataset").mkdir(parents=True, exist_ok=True)
    _whole(place / "dataset" / "_common_metadata", lambda path: arrow.parquet.write_metadata(schema, path), overwrite)
    if metadata:
        whole = metadata[0]
        for footer in metadata[1:]:
            whole.append_row_groups(footer)
        _whole(place / "dataset" / "_metadata", lambda path: whole.write_metadata_file(str(path)), overwrite)
    lines = ["Norder,Npix", *(f"{order},{pixel}" for order, pixel, _ in parts)]
    _whole(place / "partition_info.csv", _text("\n".join(lines) + "\n"), overwrite)
    properties = {
        "obs_collection": "mock",
        "dataproduct_type": "object",
        "hats_nrows": sum(rows for _, _, rows in parts),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": PIXEL,
        "hats_col_healpix_order": ORDER,
        "hats_cols_sort": "galaxy_id",
        "hats_max_rows": most_rows,
        "hats_order": max((order for order, _, _ in parts), default=0),
        "hats_npix_suffix": ".parquet",
        "moc_sky_fraction": f"{sum(0.25**order / 12 for order, _, _ in parts):.6g}",
        "hats_version": "v0.1",
        "hats_builder": f"surrogates v{package_version('surrogates')}",
    }
    text = "#HATS catalog\n" + "".join(f"{name}={value}\n" for name, value in properties.items())
    for name in PROPERTIES:
        _whole(place / name, _text(text), overwrite)


def _text(text: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(text, encoding="utf-8")


def _whole(target: Path, write: Callable[[Path], Any], overwrite: bool) -> None:
    with replacing(target, overwrite=overwrite) as temporary:
        write(temporary)


def write_coverage(survey: Survey, folder: Path, *, overwrite: bool = True) -> Path:
    """The pixels of the field in `coverage.fits`: share of each inside it, and depths; nested HEALPix, order 11."""
    import healpy
    from astropy.io import fits

    from .sky import Field

    field = Field(survey.square_degrees, survey.centre)
    order, finer = 11, 3
    centre = healpy.ang2vec(*survey.centre, lonlat=True)
    reach = np.hypot(field.half_side, field.half_side) * 1.1 + 2e-3
    near = np.sort(healpy.query_disc(1 << order, centre, reach, inclusive=True, nest=True))
    children = (near[:, None] << 2 * finer) + np.arange(1 << 2 * finer)
    positions = healpy.pix2ang(1 << (order + finer), children.ravel(), nest=True, lonlat=True)
    share = field.holds(field.from_sky(*positions)).reshape(children.shape).mean(1)
    kept = share > 0
    data = [
        fits.Column("PIXEL", "K", array=near[kept]),
        fits.Column("FRACTION", "E", array=share[kept]),
        *(
            fits.Column(f"DEPTH_{band}", "E", unit="mag", array=np.full(int(kept.sum()), survey.depth_of(band)))
            for band in survey.bands
        ),
    ]
    table = fits.BinTableHDU.from_columns(data, name="COVERAGE")
    table.header.update(
        {"PIXTYPE": "HEALPIX", "ORDERING": "NESTED", "COORDSYS": "C", "NSIDE": 1 << order, "INDXSCHM": "EXPLICIT"}
    )
    target = folder / "coverage.fits"
    _whole(
        target,
        lambda path: fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, output_verify="exception"),
        overwrite,
    )
    return target


WRITERS: dict[str, Callable[..., Path]] = {"hats": write_hats, "fits": write_fits, "hdf5": write_hdf5_file}
"""Of a finished catalogue, by the name of the format."""
