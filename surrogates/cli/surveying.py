"""`surrogates survey`: a mock survey, its catalogue and images, into a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..sampling.part_sizes import Bytes
from .batch import Cores, PartSize
from .generation import chosen_scheduler
from .output import announce

if TYPE_CHECKING:
    from ..survey.images import Tile


class _Depths(click.ParamType):
    name = "BAND=MAG,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        if isinstance(value, dict):
            return value
        found = {}
        for item in str(value).split(","):
            band, _, depth = item.partition("=")
            try:
                found[band.strip()] = float(depth)
            except ValueError:
                self.fail(f"{item!r} is not BAND=MAG, e.g. g=26.2", param, ctx)
        return found


class _Tile(click.ParamType):
    name = "ROW,COLUMN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        row, _, column = str(value).partition(",")
        if not (row.strip().isdecimal() and column.strip().isdecimal()):
            self.fail(f"{value!r} is not ROW,COLUMN, e.g. 2,0", param, ctx)
        return int(row), int(column)


@click.command("survey")
@click.option("--area", default="1deg2", show_default=True, help="Of a square field: 1deg2, 900arcmin2.")
@click.option(
    "--depth", type=float, default=25.3, show_default=True, help="Five-sigma point-source depth in i, AB mag."
)
@click.option("--bands", default="gri", show_default=True, help="Some of u, g, r, i, z, y.")
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds give equal surveys.")
@click.option("--centre", "--center", nargs=2, type=float, default=(150.0, 2.2), show_default=True, metavar="RA DEC")
@click.option(
    "--depths", type=_Depths(), default={}, help="Depths of single bands in place of the LSST's: g=26,r=25.9."
)
@click.option("--omega-m", type=float, default=0.31, show_default=True, help="Matter density, flat universe.")
@click.option("--sigma-8", type=float, default=0.81, show_default=True, help="Amplitude of the linear density today.")
@click.option("--max-redshift", type=float, default=3.0, show_default=True, help="Galaxies end there.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--catalogue-only", is_flag=True, help="No images.")
@click.option(
    "--tile",
    "asked_tiles",
    type=_Tile(),
    multiple=True,
    metavar="ROW,COLUMN",
    help="This image alone; may be repeated.",
)
@click.option("--tile-pixels", type=int, default=4096, show_default=True, help="Of an image a side, 0.2 arcsec each.")
@click.option(
    "--format",
    "formats",
    default="hats",
    show_default=True,
    help="Of the catalogue: hats, fits, hdf5, several, or none.",
)
@click.option(
    "--part-size",
    type=PartSize(),
    default=None,
    metavar="N|BYTES",
    help="Galaxies in each file of the HATS catalogue at the most (of HEALPix order 10 at the finest), or bytes "
    "(256MB); 500,000 galaxies by default.",
)
@click.option("--workers", type=Cores(), default=1, show_default=True, help="Processes; `auto` for one a usable core.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have boxes and tiles made by a Dask cluster: tcp://HOST:PORT, tls://…, or a scheduler file.",
)
@click.option("--overwrite", is_flag=True, help="Replace the survey that is there.")
@click.option("--resume", is_flag=True, help="Continue an interrupted survey.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def survey_command(
    output: Path,
    catalogue_only: bool,
    asked_tiles: tuple[tuple[int, int], ...],
    tile_pixels: int,
    formats: str,
    part_size: int | Bytes | None,
    workers: int,
    scheduler: str | None,
    overwrite: bool,
    resume: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Make a mock survey: galaxies on a lightcone of surrogate boxes, and images of them.

    surrogates survey --area 1deg2 --depth 25.3 --bands gri --seed 1 -o mock/ --catalogue-only

    The catalogue's parts come into mock/catalogue, tables and a HATS catalogue beside them, and one FITS file for each
    tile of the field, with the true galaxies in it, into mock/images. Stopped at any moment, --resume goes on.
    """
    from ..survey import Survey, SurveyError, catalogues, files, images, lightcone

    start = time.perf_counter()
    survey = Survey(**asked)
    chosen = [] if formats == "none" else [name.strip() for name in formats.split(",") if name.strip()]
    for name in chosen:
        if name not in files.WRITERS:
            raise SurveyError.about("--format", repr(name), f"some of {', '.join(files.WRITERS)}, or none", value=name)
    if part_size is not None and "hats" not in chosen:
        raise SurveyError.about("--part-size", "without a HATS catalogue, whose files it cuts", "hats in --format")
    drawn = [] if catalogue_only else _chosen(images.tiles(survey, tile_pixels), asked_tiles)
    how: dict[str, Any] = {"workers": workers, "scheduler": chosen_scheduler(scheduler, workers)}
    how |= {"resume": resume, "overwrite": overwrite}
    galaxies = catalogues.write(survey, output, **how)
    written = [files.write_coverage(survey, output)] if chosen else []
    if isinstance(part_size, Bytes):
        part_size = files.rows_of_bytes(survey, part_size.number)
    most: dict[str, dict[str, Any]] = {"hats": {"most_rows": part_size}} if part_size is not None else {}
    written += [files.WRITERS[name](survey, output, **most.get(name, {})) for name in chosen]
    written += images.write(survey, output, drawn, **how)
    boxes = len(lightcone.cells(survey))
    facts = {
        "output": str(output),
        "galaxies": galaxies,
        "boxes": boxes,
        "repeats": 0,
        "files": [str(path) for path in written],
        "wall_seconds": round(time.perf_counter() - start, 3),
        **survey.settings(),
    }
    text = (
        f"{output}: {galaxies:,} galaxies to i = {survey.limit:g} on {survey.square_degrees:g} deg2 in "
        f"{facts['wall_seconds']:.1f} s; {boxes} boxes of {lightcone.SIDE:g} Mpc/h, none used twice; "
        f"none beyond redshift {survey.max_redshift:g}"
        + (f"; {len(drawn)} images of {tile_pixels} x {tile_pixels} pixels" if drawn else "")
    )
    announce(text, facts, as_json=as_json)


def _chosen(tiles: tuple[Tile, ...], asked: tuple[tuple[int, int], ...]) -> list[Tile]:
    from ..survey import SurveyError

    known = {(tile.row, tile.column): tile for tile in tiles}
    for place in asked:
        if place not in known:
            most = tiles[-1]
            expected = f"rows 0 to {most.row} and columns 0 to {most.column} of this field"
            raise SurveyError.about("--tile", f"{place[0]},{place[1]}", expected, value=place)
    return [known[place] for place in dict.fromkeys(asked)] if asked else list(tiles)
