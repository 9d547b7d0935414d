"""Coverage of crystals as CDVAE defines it (Xie et al. 2022, arXiv:2110.06197), by matminer's own fingerprints.

python benchmarks/crystal_coverage.py --samples drawn.csv --truth first.csv --second second.csv --training training.csv

Each file is a table with a column `cif_string` or `cif`, as `surrogates generate crystals -o drawn.csv` writes it.
matminer 0.10 needs pandas 2, which the package does without: run this in an environment of its own with matminer and
click; nothing of surrogates is imported. COV-R is the share of true structures that have a sample near in structure
and one near in composition, COV-P the share of samples with such true ones. Structures are told by the mean of
CrystalNN's order parameters over their sites, compositions by Magpie's 132 statistics, standardised over `training`,
where CDVAE has constants of MP-20. The floor is the second set of true structures in place of the samples.
"""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np
from matminer.featurizers.composition import ElementProperty  # pyright: ignore[reportMissingImports]
from matminer.featurizers.site import CrystalNNFingerprint  # pyright: ignore[reportMissingImports]
from pymatgen.core import Structure
from scipy.spatial.distance import cdist

COLUMNS = ("cif_string", "cif")
CUTOFFS = {"mp": (0.4, 10.0), "perov": (0.2, 4.0), "carbon": (0.2, 4.0)}
"""Distances in structure and composition within which CDVAE counts a neighbour."""

Prints = tuple[np.ndarray, np.ndarray, int]


def read(path: Path, most: int) -> list[str]:
    """The first CIFs of a table."""
    csv.field_size_limit(1 << 27)
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        column = next((name for name in COLUMNS if name in (table.fieldnames or ())), None)
        if column is None:
            raise click.UsageError(f"{path}: columns {table.fieldnames}; expected one of {', '.join(COLUMNS)}")
        return [row[column] for _, row in zip(range(most), table, strict=False)]


def prints(cifs: list[str], label: str) -> Prints:
    """Fingerprints of structure and composition of those that have both, and how many were given."""
    sites, elements = CrystalNNFingerprint.from_preset("ops"), ElementProperty.from_preset("magpie")
    structures, compositions = [], []
    with click.progressbar(cifs, label=label) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in bar:
            try:
                structure = Structure.from_str(text, fmt="cif", primitive=True)
                found = np.mean([sites.featurize(structure, k) for k in range(len(structure))], axis=0)
            except Exception as error:  # CDVAE counts it as uncovered, whatever went wrong
                click.echo(f"{label}: no fingerprint: {error}", err=True)
                continue
            structures.append(found)
            compositions.append(elements.featurize(structure.composition))
    return np.array(structures), np.array(compositions), len(cifs)


def coverage(samples: Prints, truth: Prints, spread: Any, cutoffs: tuple[float, float]) -> dict[str, float]:
    """COV-R and COV-P; a near structure and a near composition may be those of two neighbours."""
    mean, deviation = spread
    parts = [(samples[0], truth[0]), tuple((side[1] - mean) / deviation for side in (samples, truth))]
    near = [cdist(*part) for part in parts]
    recall = np.logical_and(*(part.min(axis=0) <= limit for part, limit in zip(near, cutoffs, strict=True)))
    precision = np.logical_and(*(part.min(axis=1) <= limit for part, limit in zip(near, cutoffs, strict=True)))
    return {"COV-R": float(recall.sum() / truth[2]), "COV-P": float(precision.sum() / samples[2])}


@click.command(help=__doc__)
@click.option("--samples", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--truth", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--second", type=click.Path(exists=True, path_type=Path), required=True, help="Other true structures.")
@click.option("--training", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--other", type=click.Path(exists=True, path_type=Path), multiple=True, help="Samples of something else.")
@click.option("-n", "most", type=click.IntRange(min=2), default=500, help="Structures that are taken of each file.")
@click.option("--cutoffs", type=click.Choice(list(CUTOFFS)), default="mp")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the numbers here as JSON.")
def main(
    samples: Path,
    truth: Path,
    second: Path,
    training: Path,
    other: tuple[Path, ...],
    most: int,
    cutoffs: str,
    output: Path | None,
) -> None:
    names = [path.stem for path in (samples, second, *other, training)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise click.UsageError(f"two files are called {sorted(twice)[0]!r}; rename one: rows are named by their files")
    true = prints(read(truth, most), "truth")
    sides = {path.stem: prints(read(path, most), path.stem) for path in (samples, second, *other, training)}
    learned = sides[training.stem][1]
    spread = learned.mean(axis=0), np.where(learned.std(axis=0) > 0, learned.std(axis=0), 1.0)
    rows = {name: coverage(side, true, spread, CUTOFFS[cutoffs]) for name, side in sides.items()}
    floor = rows[second.stem]
    for name, row in rows.items():
        shares = ", ".join(f"{key} {value:.3f} ({value / max(floor[key], 1e-9):.2f} x)" for key, value in row.items())
        click.echo(f"{name}: {shares}")
    if output is not None:
        output.write_text(json.dumps({"n": most, "cutoffs": CUTOFFS[cutoffs], "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
