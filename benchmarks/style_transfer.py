"""Hold style transfer's network against optimisation of the same loss, and against cheap ways; time both in one run.

OMP_NUM_THREADS=1 python benchmarks/style_transfer.py --pictures bsds500/val --table docs/style-transfer-speed.md \
    --page styles.png

Crops from the middle of the photographs in a folder, or of the packaged ones, every style in turn at full strength.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
import torch
import xarray as xr

import surrogates
from surrogates.io.pictures import pictures_in, read_picture, write_picture
from surrogates.physics.images.drawn_styles import NAMES, drawn
from surrogates.physics.images.photographs import photographs
from surrogates.plugins.style_transfer.codec import StyleCodec
from surrogates.plugins.style_transfer.loss import style_loss
from surrogates.plugins.style_transfer.plugin import PLUGIN
from surrogates.plugins.style_transfer.reference import ITERATIONS, optimum
from surrogates.timing.race import hardware, versions

MARKS = (1, 5, 10, 20, 30, 60)
"""Evaluations of the loss at which optimisation is looked at."""


def pictures(folder: Path | None, n: int, side: int) -> list[np.ndarray]:
    """Crops (side, side, 3) in [0, 1] from the middle of photographs."""
    if folder is None:
        whole = [picture / np.float32(255) for picture in photographs().values()]
    else:
        whole = [read_picture(path)[..., :3] for path in pictures_in(folder)[:: max(len(pictures_in(folder)) // n, 1)]]
    found = []
    for picture in whole[:n]:
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        found.append(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    return found


def asked(found: list[np.ndarray], styles: list[int]) -> xr.Dataset:
    """Conditions of pictures at full strength."""
    n = len(found)
    values = {
        "image": np.stack(found),
        "style": np.array(styles),
        "strength": np.ones(n),
        "second_style": np.zeros(n, int),
        "second_share": np.zeros(n),
    }
    return PLUGIN.conditions.dataset(values)


def losses(data: xr.Dataset) -> np.ndarray:
    """Loss of each picture, (n,)."""
    reduced = PLUGIN.reduced(data)
    return reduced["loss"].values


def raced(conditions: xr.Dataset) -> tuple[list[str], xr.Dataset, xr.Dataset]:
    """Rows of the tables, and the pictures of both sides."""
    surrogate = surrogates.load("style-transfer", threads=1)
    surrogate.sample(conditions.isel(sample=[0]), seed=0)  # warms up
    style_loss()
    ours, theirs, spent, curves = [], [], [], []
    for row in range(conditions.sizes["sample"]):
        one = conditions.isel(sample=[row])
        start = time.process_time()
        ours.append(surrogate.sample(one, seed=0))
        middle = time.process_time()
        encoded = StyleCodec().encode({name: torch.from_numpy(one[name].values) for name in PLUGIN.conditions.names})
        made, curve = optimum(encoded["content"], encoded["shares"], encoded["strength"], ITERATIONS)
        spent.append((middle - start, time.process_time() - middle))
        picture = made.permute(0, 2, 3, 1).numpy()
        theirs.append(ours[-1].assign(stylised=ours[-1]["stylised"].copy(data=picture)))
        curves.append(curve)
        click.echo(f"{row + 1} of {conditions.sizes['sample']}", err=True)
    sides: list[xr.Dataset] = [xr.concat(side, "sample", combine_attrs="override") for side in (ours, theirs)]  # pyright: ignore
    mine, best = (losses(side) for side in sides)
    seconds = np.median(np.array(spent), axis=0)
    reach = [
        next((k + 1 for k, value in enumerate(c) if value <= own), len(c)) for c, own in zip(curves, mine, strict=True)
    ]
    each = np.median([total / len(curve) for (_, total), curve in zip(spent, curves, strict=True)])
    rows = [
        "| way | CPU-seconds a picture | loss, geometric mean of the ratio to optimisation's |",
        "|---|--:|--:|",
        f"| network | {seconds[0]:.3f} | {_ratio(mine, best):.2f} |",
        *(
            f"| optimisation, {mark} evaluations | {each * mark:.2f} | "
            f"{_ratio(np.array([c[min(mark, len(c)) - 1] for c in curves]), best):.2f} |"
            for mark in MARKS
        ),
        f"| optimisation to its end ({ITERATIONS} iterations) | {seconds[1]:.2f} | 1 |",
        *(f"| {name} | - | {_ratio(losses(fake(sides[1], 0)), best):.2f} |" for name, fake in PLUGIN.impostors.items()),
        "",
        f"Optimisation reaches the network's loss after {np.median(reach):.0f} evaluations (median), "
        f"{each * np.median(reach):.2f} CPU-seconds: {each * np.median(reach) / seconds[0]:.0f} times the network's.",
        "",
        "| style | loss over optimisation's | of what optimisation takes off, left |",
        "|---|--:|--:|",
    ]
    given = PLUGIN.reduced(sides[1])["given_loss"].values
    for code, name in enumerate(NAMES):
        own = conditions["style"].values == code
        left = (mine - best)[own].mean() / (given - best)[own].mean()
        rows.append(f"| {name} | {_ratio(mine[own], best[own]):.2f} | {left:.3f} |")
    return rows, sides[0], sides[1]


def _ratio(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.exp(np.log(ours / theirs).mean()))


def megapixel() -> list[str]:
    """CPU-seconds of a megapixel, whole and in tiles."""
    surrogate = surrogates.load("style-transfer", threads=1)
    picture = np.random.default_rng(0).random((1000, 1000, 3), dtype=np.float32)
    rows = ["| one megapixel | CPU-seconds |", "|---|--:|"]
    for name, tile in (("in one piece", 1024), ("in tiles of 256 pixels", 256)):
        start = time.process_time()
        surrogate.using(tile=tile).sample(1, seed=0, image=picture, style="mosaic")
        rows.append(f"| {name} | {time.process_time() - start:.2f} |")
    return rows


def page(found: list[np.ndarray], path: Path) -> None:
    """A page of styles by photographs; the styles' own pictures on top."""
    surrogate = surrogates.load("style-transfer", threads=1)
    side = found[0].shape[0]
    rows = [np.concatenate([np.ones_like(found[0])] + [drawn(name)[:side, :side] for name in NAMES], axis=1)]
    for picture in found:
        made = [surrogate.sample(1, seed=0, image=picture, style=name)["stylised"].values[0] for name in NAMES]
        rows.append(np.concatenate([picture, *made], axis=1))
    write_picture(path, np.concatenate(rows), "png")


@click.command(help=__doc__)
@click.option("--pictures", "folder", type=click.Path(path_type=Path), help="A folder of photographs.")
@click.option("-n", default=16, show_default=True, help="Pictures of the race; a multiple of the styles is fair.")
@click.option("--side", default=128, show_default=True, help="Pixels on a side.")
@click.option("--table", type=click.Path(path_type=Path), help="Where to write the tables, in Markdown.")
@click.option("--page", "sheet", type=click.Path(path_type=Path), help="Where to write a page of pictures, PNG.")
def main(folder: Path | None, n: int, side: int, table: Path | None, sheet: Path | None) -> None:
    """Run the comparison and the timings."""
    torch.set_num_threads(1)
    if sheet is not None:
        page(pictures(folder, 5, 192), sheet)
    found = pictures(folder, n, side)
    rows, _, _ = raced(asked(found, [row % len(NAMES) for row in range(len(found))]))
    lines = [
        "# What drawing a photograph in a style costs",
        "",
        f"One run on one core and one thread, both sides in turns, {len(found)} crops of {side} x {side} pixels, "
        f"{len(NAMES)} styles in turn at full strength. {hardware()}; torch {versions()['torch']}.",
        "",
        *rows,
        "",
        *megapixel(),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    if table is not None:
        table.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
