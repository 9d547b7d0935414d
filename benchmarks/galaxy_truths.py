"""Draw the galaxies that the figures of galaxy-images are measured on, as NetCDF files for `surrogates card`.

python benchmarks/galaxy_truths.py --folder truth

Two independent files each of: ``prior`` (the prior's galaxies, no PSF, no noise), ``balanced`` (equal numbers of each
class: the rare ones apart), ``draws`` (32 draws at each of 64 conditions, 16 a class), and ``observed`` (a Kolmogorov
PSF of 0.7 arcsec, 3 nJy of noise a pixel, r magnitudes of 18 to 23); and ``training``, for memorisation.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

from surrogates.io import NETCDF
from surrogates.plugins.galaxy_images.prior import complete
from surrogates.plugins.galaxy_images.reference import TEST_SEED, TRAINING_SEED, GalaxyReference, truth
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, MORPHOLOGIES
from surrogates.sampling.request import condition_dataset

CELLS = 64
DRAWS = 32


def asked(n: int, seed: int, first: int, **fixed: Any) -> xr.Dataset:
    """Conditions from the prior with some of them fixed, at identities from `first`."""
    given: Any = fixed
    return complete(CONDITIONS, condition_dataset(CONDITIONS, n=n, first=first, check=False, **given), seed)


def prior(n: int, part: int, kept: Path | None) -> xr.Dataset:
    """The prior's galaxies of the test seed, part after part."""
    return truth((part + 1) * n, TEST_SEED, kept).isel(sample=slice(part * n, (part + 1) * n))


def balanced(n: int, part: int, kept: Path | None) -> xr.Dataset:
    """Equal numbers of each class."""
    kinds = np.resize(np.arange(len(MORPHOLOGIES)), n)
    return GalaxyReference().sample(asked(n, TEST_SEED + 1, (20 + part) * 10_000, morphology=kinds), seed=TEST_SEED + 1)


def draws(n: int, part: int, kept: Path | None) -> xr.Dataset:
    """`DRAWS` galaxies at each of `CELLS` conditions, the same in every part, as many classes as there are."""
    kinds = np.resize(np.arange(len(MORPHOLOGIES)), CELLS)
    cells = asked(CELLS, TEST_SEED + 2, 0, morphology=kinds)
    repeated = cells.isel(sample=np.repeat(np.arange(CELLS), max(n // CELLS, 1)))
    names = np.arange(repeated.sizes["sample"]) + (40 + part) * 10_000
    return GalaxyReference().sample(repeated.assign_coords(sample=names), seed=TEST_SEED + 2)


def observed(n: int, part: int, kept: Path | None) -> xr.Dataset:
    """The prior's galaxies through a PSF, with noise."""
    fixed: dict[str, Any] = {"psf": "kolmogorov", **{f"psf_fwhm_{band}": 0.7 for band in BANDS}}
    fixed |= {f"noise_{band}": 3.0 for band in BANDS} | {"magnitude_r": np.resize(np.linspace(18.0, 23.0, 50), n)}
    return GalaxyReference().sample(asked(n, TEST_SEED + 3, (60 + part) * 10_000, **fixed), seed=TEST_SEED + 3)


def training(n: int, part: int, kept: Path | None) -> xr.Dataset:
    """Galaxies that the weights were trained on; the second file holds the next ones."""
    return truth((part + 1) * n, TRAINING_SEED, kept).isel(sample=slice(part * n, (part + 1) * n))


SETS = {"prior": prior, "balanced": balanced, "draws": draws, "observed": observed, "training": training}


@click.command(help=__doc__)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--kept", type=click.Path(path_type=Path), help="Folder of `train` and `test` shards, see `truth`.")
@click.option("--set", "sets", multiple=True, type=click.Choice(tuple(SETS)), help="All by default.")
@click.option("--number", default=CELLS * DRAWS, show_default=True, help="Galaxies in a file.")
def main(folder: Path, kept: Path | None, sets: tuple[str, ...], number: int) -> None:
    """Write ``<set>.nc`` and ``<set>_second.nc``; what is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sets or SETS:
        for part, ending in enumerate(("", "_second")):
            path = folder / f"{name}{ending}.nc"
            if path.exists():
                continue
            shards = kept / ("train" if name == "training" else "test") if kept is not None else None
            made = SETS[name](number, part, shards)
            NETCDF.write([made.drop_vars("psf_image")], path)
            click.echo(f"{path}: {made.sizes['sample']} galaxies", err=True)


if __name__ == "__main__":
    sys.exit(main())
