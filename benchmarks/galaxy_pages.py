"""Pages of 8 x 8 galaxies of each class, a model's beside GalSim's at the same conditions.

python benchmarks/galaxy_pages.py --model learned --output pages
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.plugins.galaxy_images.figure import colour_image, middle_brightness
from surrogates.plugins.galaxy_images.prior import complete
from surrogates.plugins.galaxy_images.variables import CONDITIONS, MORPHOLOGIES
from surrogates.sampling.request import condition_dataset

SIDE = 8


def page(images: np.ndarray) -> np.ndarray:
    """Colour pictures (64, y, x, 3) as one of 8 x 8, a dark line between them."""
    framed = np.pad(images, np.array([(0, 0), (1, 1), (1, 1), (0, 0)]))
    rows = framed.reshape(SIDE, SIDE, *framed.shape[1:])
    return np.concatenate(np.concatenate(rows, axis=1), axis=1)


@click.command(help=__doc__)
@click.option("--model", default="learned", show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), help="A run or a .safetensors file.")
@click.option("--seed", default=7, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("pages"), show_default=True)
def main(model: str, weights: Path | None, seed: int, output: Path) -> None:
    """Write a PNG a class: the model's page on the left, GalSim's on the right."""
    from matplotlib.figure import Figure

    output.mkdir(parents=True, exist_ok=True)
    simulator = surrogates.load("galaxy-images", model=model, weights=weights)
    reference = surrogates.reference("galaxy-images")
    for code, name in enumerate(MORPHOLOGIES):
        given = condition_dataset(CONDITIONS, n=SIDE**2, first=0, check=False, morphology=np.full(SIDE**2, code))
        asked = complete(CONDITIONS, given, seed)
        sides: dict[str, xr.Dataset] = {
            model: simulator.sample(asked, seed=seed),
            "GalSim": reference.sample(asked, seed=seed + 1),
        }
        drawn = Figure(figsize=(16, 8.4), layout="constrained")
        for axes, (label, data) in zip(drawn.subplots(1, 2), sides.items(), strict=True):
            axes.imshow(
                page(colour_image(data["image"].values, middle_brightness(data))),
                origin="lower",
                interpolation="nearest",
            )
            axes.set_title(f"{name}: {label}")
            axes.set_axis_off()
        drawn.savefig(output / f"{name}.png", dpi=80)
        click.echo(str(output / f"{name}.png"), err=True)


if __name__ == "__main__":
    sys.exit(main())
