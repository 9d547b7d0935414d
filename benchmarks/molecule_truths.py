"""Write the molecules that the figures of `molecules` are measured on, as NetCDF files for `surrogates card`.

python benchmarks/molecule_truths.py --folder truth --library zinc250k_train.smi.xz

Two files each, of different test molecules: ``all`` (every property asked), ``one`` (one property asked a row, five in
turn) and ``none`` (nothing asked); and ``training``, for memorisation. Without --library the molecules are QM9's, and
where the package holds their labels there is ``gap`` too: the labelled molecules among them, the gap alone asked.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import xarray as xr

from surrogates.io import NETCDF
from surrogates.physics.molecules.descriptors import DESCRIPTORS, describe
from surrogates.plugins.molecules.library import Library, read_library, splits, to_dataset
from surrogates.plugins.molecules.packaged import qm9_smiles
from surrogates.plugins.molecules.truth import truth, truth_of
from surrogates.plugins.molecules.variables import PROPERTIES

SEED = 4071


def all_asked(whole: xr.Dataset) -> xr.Dataset:
    """Molecules with all their properties asked."""
    return whole


def one_asked(whole: xr.Dataset) -> xr.Dataset:
    """The same, row i asking property i mod 5 alone."""
    rows = np.arange(whole.sizes["sample"]) % len(DESCRIPTORS)
    chosen = {name: place for place, name in enumerate(DESCRIPTORS)}
    return whole.assign({name: whole[name].where(rows == chosen.get(name, -1)) for name in PROPERTIES})


def none_asked(whole: xr.Dataset) -> xr.Dataset:
    """The same, nothing asked."""
    return whole.assign({name: whole[name].where(False) for name in PROPERTIES})


def gap_asked(whole: xr.Dataset) -> xr.Dataset:
    """Those with a simulated gap, that alone asked; none of a library without labels."""
    labelled = whole.isel(sample=np.flatnonzero(np.isfinite(whole["gap"].values)))
    return labelled.assign({name: labelled[name].where(name == "gap") for name in PROPERTIES})


SETS = {"all": all_asked, "one": one_asked, "none": none_asked, "gap": gap_asked}


def training(library: Path | None, number: int) -> xr.Dataset:
    """Training molecules, evenly spaced, with their properties."""
    known = read_library(library) if library is not None else None
    smiles = known.smiles if known is not None else qm9_smiles()
    rows = splits(smiles)["training"]
    rows = rows[np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)]
    chosen = tuple(smiles[row] for row in rows)
    found = Library(chosen, describe(chosen) if known is None else known.descriptors[rows])
    return to_dataset(found.smiles, dict(zip(DESCRIPTORS, found.descriptors.T, strict=True)))


@click.command(help=__doc__)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--library", type=click.Path(path_type=Path, exists=True), help="A file or folder of molecules.")
@click.option("--number", default=10_000, show_default=True, help="Molecules in a file.")
def main(folder: Path, library: Path | None, number: int) -> None:
    """Write ``<set>.nc`` and ``<set>_second.nc``, and ``training.nc``."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = truth(2 * number, SEED) if library is None else truth_of(library, 2 * number, SEED)
    for part, ending in enumerate(("", "_second")):
        rows = whole.isel(sample=slice(part * number, (part + 1) * number))
        for name, asked in SETS.items():
            made = asked(rows)
            if made.sizes["sample"]:
                NETCDF.write(iter([made]), folder / f"{name}{ending}.nc", overwrite=True)
    NETCDF.write(iter([training(library, number)]), folder / "training.nc", overwrite=True)
    click.echo(f"{folder}: {2 * number} molecules of {whole.attrs['data_set']}", err=True)


if __name__ == "__main__":
    sys.exit(main())
