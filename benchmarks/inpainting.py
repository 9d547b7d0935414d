"""Hold inpainting against biharmonic and Laplace fills on crops of photographs, and time the three in one run.

OMP_NUM_THREADS=1 python benchmarks/inpainting.py --pictures bsds500/val --table docs/inpainting-speed.md

Crops of 64 x 64 pixels of the photographs in a folder, or of the packaged ones, with free-form holes and ones in the
middle. Biharmonic fills are scikit-image's `inpaint_biharmonic`.
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
from surrogates.contract.plugin import Plugin
from surrogates.io.pictures import photograph_tiles
from surrogates.noise import draws
from surrogates.physics.images.masks import DRAWS, holes
from surrogates.plugins.inpainting.photographs import SIDE
from surrogates.plugins.inpainting.plugin import PLUGIN
from surrogates.timing.race import hardware, versions

SHOWN = ("hole_l1", "hole_colour_l1", "hole_psnr", "seam_error", "roughness", "feature_error", "feature_frechet")


def pictures(folder: Path | None, n: int, seed: int) -> xr.Dataset:
    """Pictures with holes, and as they were."""
    if folder is None:
        return PLUGIN.truth(n, seed)
    drawn = draws(seed, np.arange(n))
    every = [tile for photograph, places in photograph_tiles(folder, SIDE) for tile in _cut(photograph, places)]
    chosen = np.random.default_rng(seed).permutation(len(every))[:n]
    true = np.stack([every[row] for row in chosen]).astype(np.float32) / np.float32(255)
    mask = holes(torch.from_numpy(drawn.uniform((1 + DRAWS,), "hole")), SIDE).numpy().astype(np.int8)[: len(true)]
    asked = PLUGIN.conditions.dataset({"image": true * (1 - mask[..., None]), "mask": mask})
    return asked.merge(PLUGIN.outputs.dataset({"inpainted": true}))


def _cut(photograph: np.ndarray, places: list[tuple[int, int]]) -> list[np.ndarray]:
    return [photograph[top : top + SIDE, left : left + SIDE] for top, left in places]


def biharmonic(truth: xr.Dataset) -> xr.Dataset:
    """scikit-image's fill of every hole."""
    from skimage.restoration import inpaint_biharmonic

    made = [
        inpaint_biharmonic(picture, mask > 0, channel_axis=-1)
        for picture, mask in zip(truth["image"].values, truth["mask"].values, strict=True)
    ]
    mask = truth["mask"].values[..., None] > 0
    values = np.where(mask, np.clip(np.stack(made), 0, 1), truth["image"].values).astype(np.float32)
    return truth.assign(inpainted=truth["inpainted"].copy(data=values))


def lines(plugin: Plugin, sides: dict[str, xr.Dataset], spent: dict[str, float], truth: xr.Dataset) -> list[str]:
    """The table."""
    rows = ["| way | CPU-ms a picture | " + " | ".join(SHOWN) + " |", "|---|--:|" + "--:|" * len(SHOWN)]
    for name, made in sides.items():
        found = plugin.measure(made, truth)
        values = " | ".join(f"{found[figure]:.4g}" for figure in SHOWN)
        rows.append(f"| {name} | {1e3 * spent[name] / truth.sizes['sample']:.1f} | {values} |")
    return rows


@click.command(help=__doc__)
@click.option("--pictures", "folder", type=click.Path(path_type=Path), help="A folder of photographs.")
@click.option("-n", "n", default=400, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--table", "page", type=click.Path(path_type=Path), help="Where to write the table, in Markdown.")
def main(folder: Path | None, n: int, seed: int, page: Path | None) -> None:
    """Run the comparison."""
    torch.set_num_threads(1)
    truth = pictures(folder, n, seed)
    surrogate = surrogates.load("inpainting", threads=1)
    asked = truth[list(PLUGIN.conditions.names)]
    ways = {
        "surrogate": lambda part: surrogate.sample(part[list(PLUGIN.conditions.names)], seed=0),
        "Laplace": lambda part: PLUGIN.impostors["Laplace"](part, 0),
        "biharmonic": biharmonic,
    }
    made: dict[str, list[xr.Dataset]] = {name: [] for name in ways}
    spent = dict.fromkeys(ways, 0.0)
    for way in ways.values():
        way(truth.isel(sample=slice(0, 2)))  # warm
    for start in range(0, asked.sizes["sample"], 50):
        part = truth.isel(sample=slice(start, start + 50))
        for name, way in ways.items():
            begun = time.process_time()
            made[name].append(way(part))
            spent[name] += time.process_time() - begun
    sides = {name: xr.concat(parts, "sample", combine_attrs="drop") for name, parts in made.items()}
    text = "\n".join(
        [
            "# What filling a hole costs",
            "",
            f"One run on one core and one thread, the sides in turns, {truth.sizes['sample']} pictures of {SIDE} x "
            f"{SIDE} pixels of {'the packaged photographs' if folder is None else folder.name}. {hardware()}; torch "
            f"{versions()['torch']}.",
            "",
            *lines(PLUGIN, sides, spent, truth),
        ]
    )
    if page is not None:
        page.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
