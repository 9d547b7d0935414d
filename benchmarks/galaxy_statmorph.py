"""Measure released galaxy weights by statmorph and add the figures, with their floors, to the weights' card.

python benchmarks/galaxy_statmorph.py --model decoder --truth balanced.nc --second balanced_second.nc

The truths are those of `galaxy_truths.py`. statmorph takes 0.2 s a galaxy: 150 of each class on three sides are six
minutes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import surrogates
from surrogates.plugins.galaxy_images.statmorph_figures import N_STATMORPH, statmorph_findings
from surrogates.release.cards import Card
from surrogates.sampling.files import read_whole


@click.command(help=__doc__)
@click.option("--model", help="Recipe; the plugin's first by default.")
@click.option("--truth", required=True, help="NetCDF file of the reference's samples.")
@click.option("--second", required=True, help="An independent truth, for the floors.")
@click.option("-n", "count", default=N_STATMORPH, show_default=True, help="Galaxies of each class on each side.")
@click.option("--seed", default=2027, show_default=True)
def main(model: str | None, truth: str, second: str, count: int, seed: int) -> None:
    surrogate = surrogates.load("galaxy-images", model=model, extrapolate=True)
    reference = read_whole(Path(truth))
    asked = [name for name in surrogate.plugin.conditions.names if name in reference]
    samples = surrogate.sample(reference[asked], seed=seed)
    found = statmorph_findings(samples, reference, read_whole(Path(second)), n=count, seed=seed)
    path = surrogate.path.with_suffix(".json")
    card = Card.read(path)
    kept = tuple(item for item in card.findings if not item.name.startswith("statmorph/"))
    replace(card, findings=(*kept, *found)).write(path)
    unmet = [item for item in found if item.passed is False]
    print(f"{path}: {len(found)} statmorph figures, {len(unmet)} not met")
    for item in unmet:
        print(f"  {item.name}: {item.value:.4g}, floor {item.floor:.4g}")


if __name__ == "__main__":
    main()
