"""Write the held-out days that the figures of `climate-fields` are measured on, for ``benchmarks/cards.py``.

python benchmarks/climate_truths.py --parts parts --folder truth

``truth`` holds pairs of consecutive days of the held-out years (July 1988 to June 1989, July 1997 to June 1998),
``second`` the same years of another member, and ``training`` pairs of days that the weights were trained on, for
memorisation.
Runs of jcm that `--parts` lacks are simulated, some minutes each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import xarray as xr

from surrogates.io import NETCDF
from surrogates.plugins.climate_fields.recipes import TRAINING_PARTS
from surrogates.plugins.climate_fields.reference import as_truth
from surrogates.plugins.climate_fields.training_data import PARTS, Part, consecutive, simulate

MEMBERS = {"truth": 1000, "second": 1001}


def pairs(parts: list[Part], folder: Path) -> xr.Dataset:
    """Pairs of consecutive days of these runs as the plugin's Dataset."""
    found = []
    for part in parts:
        print(part.name, file=sys.stderr, flush=True)
        with xr.open_dataset(simulate(part, folder), engine="h5netcdf") as stored:
            found.append(as_truth(consecutive(stored.load(), 2)))
    joined = xr.concat(found, "sample", data_vars="all")
    return joined.assign_coords(sample=np.arange(joined.sizes["sample"]))


@click.command(help=__doc__)
@click.option("--parts", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the runs.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--there", is_flag=True, help="Take the runs that are there, and simulate none.")
def main(parts: Path, folder: Path, there: bool) -> None:
    parts.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    sets = {
        name: [part for part in PARTS if (part.role, part.member) == ("held_out", k)] for name, k in MEMBERS.items()
    }
    sets["training"] = [part for part in PARTS if part.role == "training"][:TRAINING_PARTS]
    for name, runs in sets.items():
        chosen = [part for part in runs if not there or (parts / part.name).exists()]
        if chosen:
            NETCDF.write(iter([pairs(chosen, parts)]), folder / f"{name}.nc", overwrite=True)


if __name__ == "__main__":
    main()
