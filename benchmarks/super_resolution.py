"""Hold super-resolution against bicubic, Lanczos and nearest-neighbour enlargement on folders of photographs; time it.

OMP_NUM_THREADS=1 python benchmarks/super_resolution.py --pictures Set5=set5 --pictures B100=bsds500/val \
    --table docs/super-resolution-speed.md

A folder holds photographs, which are cut to multiples of four and reduced by the antialiased cubic kernel; or pairs
whose names differ in HR and LR alone, as of SelfExSR. Peak signal-to-noise ratio and structural similarity are of
luminance on the scale of MATLAB's rgb2ycbcr, of 8-bit pictures, less four pixels on each side.

With --quality the small pictures are compressed by Pillow's JPEG encoder first (colours 4:2:0), and the weights for
JPEG files stand beside bicubic and the weights for clean pictures, on the same files; less as many pixels as the scale.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import click
import numpy as np
import torch

import surrogates
from surrogates.io.jpeg_coding import compressed
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


def pairs(folder: Path, scale: int = SCALE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Small and large pictures (y, x, 3) in [0, 1]."""
    paths = pictures_in(folder)
    for path in paths:
        if "LR" in path.name:
            continue
        large = colour.in_colour(torch.from_numpy(read_picture(path))).numpy()
        height, width = (scale * (side // scale) for side in large.shape[:2])
        large = large[:height, :width]
        partner = path.with_name(path.name.replace("HR", "LR"))
        if scale == SCALE and partner in paths and partner != path:
            small = colour.in_colour(torch.from_numpy(read_picture(partner))).numpy()
        else:
            small = small_pictures(np.rint(255 * large[None]).astype(np.uint8), scale)[0] / np.float32(255)
        yield small, large


def likeness(made: np.ndarray, true: np.ndarray, border: int = BORDER) -> tuple[float, float, float]:
    """PSNR [dB] and structural similarity as the literature has them, and sharpness in units of the photograph's."""
    planes = [
        fidelity.studio(colour.luminance(torch.from_numpy(np.rint(255 * side.clip(0, 1)) / 255).double()))[None]
        for side in (made, true)
    ]
    inner = [fidelity.without_border(plane, border) for plane in planes]
    sharp = [float(fidelity.sharpness(plane)) for plane in inner]
    return float(fidelity.psnr(*inner)), float(fidelity.ssim(*inner)), sharp[0] / sharp[1]


def plain(way: Callable[[torch.Tensor, int], torch.Tensor], scale: int = SCALE) -> Callable[[np.ndarray], np.ndarray]:
    """An enlargement of tensors as one of pictures."""

    def enlarge(small: np.ndarray) -> np.ndarray:
        return way(torch.from_numpy(small).permute(2, 0, 1)[None], scale)[0].permute(1, 2, 0).numpy()

    return enlarge


def enlarged_by(surrogate: surrogates.Surrogate, small: np.ndarray) -> np.ndarray:
    """What a surrogate makes of one small picture."""
    return surrogate.sample(1, seed=0, image=small)["upscaled"].values[0]


def ways(ensemble: bool, models: tuple[str, ...]) -> Ways:
    """Name -> small picture to large one."""
    surrogate = surrogates.load("super-resolution", threads=1)
    more = {model: surrogates.load("super-resolution", model=model, threads=1) for model in models}

    def network(small: np.ndarray, **options: bool) -> np.ndarray:
        return surrogate.using(**options).sample(1, seed=0, image=small)["upscaled"].values[0]

    eight = {"surrogate, self-ensemble": lambda small: network(small, self_ensemble=True)} if ensemble else {}
    return {
        "nearest": plain(resampling.nearest),
        "bicubic": plain(resampling.enlarged),
        "Lanczos": plain(resampling.lanczos),
        "surrogate": network,
        **eight,
        **{model: partial(enlarged_by, other) for model, other in more.items()},
    }


def compared(folders: dict[str, Path], found: Ways) -> list[str]:
    """Rows of the table of likeness."""
    rows = ["| pictures | n | way | PSNR [dB] | SSIM | sharpness |", "|---|--:|---|--:|--:|--:|"]
    for name, folder in folders.items():
        both = list(pairs(folder))
        for way, enlarge in found.items():
            scores = np.array([likeness(enlarge(small), large) for small, large in both])
            peak, alike, sharp = scores.mean(axis=0)
            rows.append(f"| {name} | {len(both)} | {way} | {peak:.2f} | {alike:.4f} | {sharp:.2f} |")
            click.echo(rows[-1], err=True)
    return rows


def halved(picture: np.ndarray) -> np.ndarray:
    """A picture of half the sides by the antialiased cubic kernel."""
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None]
    size = (picture.shape[0] // 2, picture.shape[1] // 2)
    return resampling.cubic(planes, size)[0].permute(1, 2, 0).numpy()


def ways_for_files(scale: int) -> Ways:
    """Name -> small picture of a JPEG file to large one."""
    jpeg, clean = (
        surrogates.load("super-resolution", model=model, threads=1)
        for model in ("jpeg" if scale == SCALE else f"jpeg-x{scale}", "fidelity")
    )

    four_times = partial(enlarged_by, clean)
    clean_way = four_times if scale == SCALE else lambda small: halved(four_times(small))
    name = "weights for clean pictures" + ("" if scale == SCALE else ", four times and halved")
    return {
        "bicubic": plain(resampling.enlarged, scale),
        name: clean_way,
        "weights for JPEG files": partial(enlarged_by, jpeg),
    }


def restored(folders: dict[str, Path], scale: int, qualities: tuple[int, ...], count: int | None) -> list[str]:
    """Rows of the table of likeness of JPEG files, the clean reduction last."""
    found = ways_for_files(scale)
    rows = [
        f"| pictures, x{scale} | n | quality | way | PSNR [dB] | SSIM | sharpness |",
        "|---|--:|---|---|--:|--:|--:|",
    ]
    for name, folder in folders.items():
        both = list(islice(pairs(folder, scale), count))
        for quality in (*qualities, None):
            scores: dict[str, list[tuple[float, ...]]] = {way: [] for way in found}
            for small, large in both:
                asked = small
                if quality is not None:
                    asked = compressed(np.rint(255 * small).astype(np.uint8), quality) / np.float32(255)
                for way, enlarge in found.items():
                    scores[way].append(likeness(enlarge(asked), large, scale))
            for way, values in scores.items():
                cells = " | ".join(f"{v:.{d}f}" for v, d in zip(np.array(values).mean(0), (2, 4, 2), strict=True))
                rows.append(f"| {name} | {len(both)} | {quality or 'clean'} | {way} | {cells} |")
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


FILES = """# What enlarging a JPEG file gives

Small pictures by the antialiased cubic kernel (Set5 at x4: its published ones), compressed by Pillow's JPEG encoder at
the quality of the row, colours 4:2:0; `clean` are the same small pictures uncompressed. Luminance on the scale of
MATLAB's rgb2ycbcr, 8-bit pictures, less as many pixels at the edge as the scale. No picture of either set was trained
on."""


def shown(head: str, lines: list[str], page: Path | None) -> None:
    """Write lines to a page, and print them."""
    text = "\n".join([*([head] if head else []), *lines]).rstrip() + "\n"
    if page is not None:
        page.write_text(text, encoding="utf-8")
    click.echo(text)


@click.command(help=__doc__)
@click.option("--pictures", multiple=True, metavar="NAME=FOLDER", help="Photographs or pairs; may be repeated.")
@click.option("--ensemble", is_flag=True, help="The self-ensemble too, at eight times the work.")
@click.option("--model", "models", multiple=True, help="More of the weights beside the default's; may be repeated.")
@click.option("--rounds", default=5, show_default=True, help="Of the timings.")
@click.option(
    "--quality", "qualities", type=int, multiple=True, help="Of JPEG files; may be repeated. No timings then."
)
@click.option("--scale", type=click.Choice(["2", "4"]), default="4", help="With --quality.")
@click.option("--count", type=click.IntRange(min=1), help="With --quality: the first so many pictures of a folder.")
@click.option("--table", "page", type=click.Path(path_type=Path), help="Where to write the tables, in Markdown.")
def main(
    pictures: tuple[str, ...],
    ensemble: bool,
    models: tuple[str, ...],
    rounds: int,
    qualities: tuple[int, ...],
    scale: str,
    count: int | None,
    page: Path | None,
) -> None:
    """Run the comparison and the timings."""
    folders = {name: Path(folder) for name, _, folder in (text.partition("=") for text in pictures)}
    if qualities:
        shown(FILES, ["", *restored(folders, int(scale), qualities, count)], page)
        return
    found = ways(ensemble, models)
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
    shown("", lines, page)


if __name__ == "__main__":
    sys.exit(main())
