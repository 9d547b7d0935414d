"""Write the crystals that the figures of `crystals` are measured on, as NetCDF files for `surrogates card`.

python benchmarks/crystal_truths.py --folder truth --gan
python benchmarks/crystal_truths.py --folder truth --data perov_5.csv.xz

Two files of held-out structures, and `training` for memorisation. With --gan they are the package's structures of up to
20 atoms with the five properties that the GAN is asked for, a random part of which is asked. With --data they are the
two halves of what training on that file does not see, half of the conditions asked.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import xarray as xr

from surrogates.io import NETCDF
from surrogates.noise import draws
from surrogates.plugins.crystals.gan_codec import ASKED
from surrogates.plugins.crystals.own import held_out, read
from surrogates.plugins.crystals.truth import stated_pool

SEED = 4071


def gan_truths(number: int) -> dict[str, xr.Dataset]:
    """Test structures for the GAN, twice, and training ones."""
    whole, train = stated_pool("test"), stated_pool("train")
    found = {}
    for turn, name in enumerate(("first", "second")):
        chance = np.random.default_rng([SEED, turn])
        rows = chance.permutation(whole.sizes["sample"])[:number]
        part = whole.isel(sample=rows).assign_coords(sample=np.arange(len(rows)))
        kept = draws(SEED + turn, np.arange(len(rows))).uniform((len(ASKED.names),), "asked") < 0.6
        for k, condition in enumerate(ASKED.names):
            part[condition] = part[condition].where(xr.DataArray(kept[:, k], dims="sample"))
        found[name] = part
    rows = np.linspace(0, train.sizes["sample"] - 1, number).astype(int)
    return {**found, "training": train.isel(sample=rows).assign_coords(sample=np.arange(len(rows)))}


def own_truths(data: Path, kept: Path) -> dict[str, xr.Dataset]:
    """The halves of what is held out of a file, and what is learned."""
    whole = held_out(data, kept, 1 << 30, SEED)
    half = whole.sizes["sample"] // 2
    (train,) = read(data, kept)
    parts = {"first": whole.isel(sample=slice(0, half)), "second": whole.isel(sample=slice(half, 2 * half))}
    parts = {name: part.assign_coords(sample=np.arange(half)) for name, part in parts.items()}
    return {**parts, "training": train.assign_coords(sample=np.arange(train.sizes["sample"]))}


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--gan", is_flag=True, help="Truths of the GAN.")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Truths of weights that learned from this.")
@click.option("-n", "number", type=click.IntRange(min=4), default=2000, help="Structures in each file of the GAN's.")
def main(folder: Path, gan: bool, data: Path | None, number: int) -> None:
    """Write the files into a folder."""
    if gan == (data is not None):
        raise click.UsageError("give --gan or --data")
    folder.mkdir(parents=True, exist_ok=True)
    label = "gan" if data is None else data.name.partition(".")[0]
    for name, part in (gan_truths(number) if data is None else own_truths(data, folder)).items():
        path = folder / f"{label}-{name}.nc"
        NETCDF.write(iter([part]), path, overwrite=True)
        click.echo(f"{path}: {part.sizes['sample']} structures")


if __name__ == "__main__":
    main()
