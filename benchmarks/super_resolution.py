"""Hold super-resolution against bicubic, Lanczos and nearest-neighbour enlargement on folders of photographs; time it.

OMP_NUM_THREADS=1 python benchmarks/super_resolution.py --pictures Set5=set5 --pictures B100=bsds500/val \
    --table docs/super-resolution-speed.md

A folder holds photographs, which are cut to multiples of four and reduced by the antialiased cubic kernel; or pairs
whose names differ in HR and LR alone, as of SelfExSR. Peak signal-to-noise ratio and structural similarity are of
luminance on the scale of MATLAB's rgb2ycbcr, of 8-bit pictures, less four pixels on each side.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import torch

import surrogates
from surrogates.io.pictures import pictures_in, read_picture
from surrogates.networks.upscaling import Upscaler
from surrogates.physics.images import colour, fidelity, resampling
from surrogates.plugins.super_resolution.measure import BORDER
from surrogates.plugins.super_resolution.photographs import small_pictures
from surrogates.plugins.super_resolution.variables import SCALE
from surrogates.timing.race import hardware, versions

Ways = dict[str, Callable[[np.ndarray], np.ndarray]]

WIDTH, BLOCKS = 64, 16
"""Of EDSR's baseline (Lim et al. 2017, arXiv:1707.02921), untrained: for its cost alone."""


def pairs(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Small and large pictures (y, x, 3) in [0, 1]."""
    paths = pictures_in(folder)
    for path in paths:
        if "LR" in path.name:
            continue
        large = colour.in_colour(torch.from_numpy(read_picture(path))).numpy()
        height, width = (SCALE * (side // SCALE) for side in large.shape[:2])
        large = large[:height, :width]
        partner = path.with_name(path.name.replace("HR", "LR"))
        if partner in paths and partner != path:
            small = colour.in_colour(torch.from_numpy(read_picture(partner))).numpy()
        else:
            small = small_pictures(np.rint(255 * large[None]).astype(np.uint8))[0] / np.float32(255)
        yield small, large


def likeness(made: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """PSNR [dB] and structural similarity as the literature has them."""
    planes = [
        fidelity.studio(colour.luminance(torch.from_numpy(np.rint(255 * side.clip(0, 1)) / 255).double()))[None]
        for side in (made, true)
    ]
    inner = [fidelity.without_border(plane, BORDER) for plane in planes]
    return float(fidelity.psnr(*inner)), float(fidelity.ssim(*inner))


def plain(way: Callable[[torch.Tensor, int], torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    """An enlargement of tensors as one of pictures."""

    def enlarge(small: np.ndarray) -> np.ndarray:
        return way(torch.from_numpy(small).permute(2, 0, 1)[None], SCALE)[0].permute(1, 2, 0).numpy()

    return enlarge


def ways(ensemble: bool) -> Ways:
    """Name -> small picture to large one."""
    surrogate = surrogates.load("super-resolution", threads=1)

    def network(small: np.ndarray, **options: bool) -> np.ndarray:
        return surrogate.using(**options).sample(1, seed=0, image=small)["upscaled"].values[0]

    eight = {"surrogate, self-ensemble": lambda small: network(small, self_ensemble=True)} if ensemble else {}
    return {
        "nearest": plain(resampling.nearest),
        "bicubic": plain(resampling.enlarged),
        "Lanczos": plain(resampling.lanczos),
        "surrogate": network,
        **eight,
    }


def compared(folders: dict[str, Path], found: Ways) -> list[str]:
    """Rows of the table of likeness."""
    rows = ["| pictures | n | way | PSNR [dB] | SSIM |", "|---|--:|---|--:|--:|"]
    for name, folder in folders.items():
        both = list(pairs(folder))
        for way, enlarge in found.items():
            scores = np.array([likeness(enlarge(small), large) for small, large in both])
            rows.append(f"| {name} | {len(both)} | {way} | {scores[:, 0].mean():.2f} | {scores[:, 1].mean():.4f} |")
            click.echo(rows[-1], err=True)
    return rows


def timed(found: Ways, rounds: int) -> list[str]:
    """Rows of the table of CPU-seconds for one megapixel made, the sides in turns on one core."""
    torch.set_num_threads(1)
    small = np.random.default_rng(0).random((250, 250, 3), dtype=np.float32)
    large = Upscaler(3, scale=SCALE, width=WIDTH, layers=BLOCKS, kind="residual").eval().requires_grad_(False)
    sides = {name: found[name] for name in ("bicubic", "surrogate")}
    sides["16 blocks of 64 channels"] = plain(
        lambda picture, scale: resampling.enlarged(picture, scale) + large(picture)
    )
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, enlarge in sides.items():
            start = time.process_time()
            enlarge(small)
            if turn:  # the first warms up
                spent[name].append(time.process_time() - start)
    rows = ["| way | CPU-seconds a megapixel | times bicubic's |", "|---|--:|--:|"]
    median = {name: float(np.median(values)) for name, values in spent.items()}
    rows += [f"| {name} | {value:.3f} | {value / median['bicubic']:.0f} |" for name, value in median.items()]
    return rows


@click.command(help=__doc__)
@click.option("--pictures", multiple=True, metavar="NAME=FOLDER", help="Photographs or pairs; may be repeated.")
@click.option("--ensemble", is_flag=True, help="The self-ensemble too, at eight times the work.")
@click.option("--rounds", default=5, show_default=True, help="Of the timings.")
@click.option("--table", "page", type=click.Path(path_type=Path), help="Where to write the tables, in Markdown.")
def main(pictures: tuple[str, ...], ensemble: bool, rounds: int, page: Path | None) -> None:
    """Run the comparison and the timings."""
    folders = {name: Path(folder) for name, _, folder in (text.partition("=") for text in pictures)}
    found = ways(ensemble)
    lines = [
        "# What enlarging a photograph costs",
        "",
        f"One run on one core and one thread, the sides in turns. {hardware()}; torch {versions()['torch']}. "
        "Bicubic wins on time, always; the network wins on likeness.",
        "",
        *timed(found, rounds),
        "",
        *(compared(folders, found) if folders else []),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    if page is not None:
        page.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
