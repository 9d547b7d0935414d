"""Time molecule-properties and its reference, GFN2-xTB on embedded geometries, on QM9 and on drug-like molecules.

OMP_NUM_THREADS=1 python benchmarks/molecule_properties.py --table docs/molecule-properties-speed.md

The small molecules are those of QM9 that the network never saw. The drug-like ones are read from `--molecules`, for
example ZINC250k, or written by the weights `zinc` of molecules, which were trained on it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.physics.molecules.text import to_codes
from surrogates.plugins.molecule_properties.variables import CONDITIONS, OUTPUTS
from surrogates.plugins.molecules.library import collect
from surrogates.plugins.molecules.measure import texts
from surrogates.timing.race import Contender, contenders, hardware, prior_conditions, race, versions
from surrogates.timing.timings import Benchmark

PLUGIN = "molecule-properties"
ASKED_RATIO = 50.0
"""What is asked on QM9: the reference's CPU-seconds over the surrogate's."""

WRITTEN = 2048
"""Drug-like molecules written where no file of them is given."""


def drug_like(path: Path | None, seed: int) -> tuple[list[str], str]:
    """Drug-like molecules in random order, and what they are in words."""
    if path is None:
        written = texts(surrogates.load("molecules", model="zinc", threads=1).sample(WRITTEN, seed=seed))
        return [text for text in written if text], "molecules that the weights zinc of molecules write"
    found = collect(path).smiles
    return [found[row] for row in np.random.default_rng(seed).permutation(len(found))], f"molecules of {path.name}"


def asking(molecules: Sequence[str]) -> Callable[[int, int], xr.Dataset]:
    """Conditions that ask for one molecule after the other, again from the first behind the last."""

    def conditions(n: int, first: int) -> xr.Dataset:
        codes, _ = to_codes([molecules[place % len(molecules)] for place in range(first, first + n)])
        size = CONDITIONS.dimensions[0].size
        codes = np.pad(codes, ((0, 0), (0, size - codes.shape[1])))  # type: ignore
        return CONDITIONS.dataset({"smiles": codes.astype(np.uint8)}, np.arange(first, first + n))

    return conditions


def statuses(contender: Contender, conditions: Callable[[int, int], xr.Dataset], n: int) -> str:
    """How many of the first molecules have which status, in words."""
    found = contender.simulator.sample(conditions(n, 0), seed=1)["status"].values
    names = OUTPUTS["status"].categories or ()
    return ", ".join(f"{(found == code).mean():.1%} {name}" for code, name in enumerate(names) if (found == code).any())


def line(library: str, benchmark: Benchmark, outcomes: dict[str, str]) -> list[str]:
    """Rows of the table."""
    rates = {timing.side: timing.samples / timing.cpu_seconds for timing in benchmark.timings}
    return [
        f"| {library} | {side} | {rate:,.1f} | {rate / rates['reference']:,.1f} | {outcomes[side]} |"
        for side, rate in rates.items()
    ]


@click.command(help=__doc__)
@click.option(
    "--molecules", type=click.Path(path_type=Path, exists=True), help="Drug-like molecules: .smi, .csv, .sdf."
)
@click.option("--seconds", default=30.0, show_default=True, help="CPU-seconds for each side.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--judged", default=200, show_default=True, help="Molecules whose statuses are counted.")
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/molecule-properties"))
@click.option("--table", "page", type=click.Path(path_type=Path), help="Where to write the table, in Markdown.")
def main(
    molecules: Path | None, seconds: float, rounds: int, judged: int, seed: int, output: Path, page: Path | None
) -> None:
    """Run the benchmark; write JSON, Markdown and a figure for each library, and one table."""
    larger, described = drug_like(molecules, seed)
    libraries = {"QM9": (prior_conditions(PLUGIN), "the test part of QM9"), "drug-like": (asking(larger), described)}
    sides = contenders(PLUGIN)
    lines = [
        "# What the properties of a molecule cost",
        "",
        "One run on one core and one thread, the sides in turns; reading the SMILES, canonical form, descriptors "
        f"and the status included. {hardware()}; torch {versions()['torch']}. Asked: {ASKED_RATIO:.0f} times the "
        "reference on QM9.",
        "",
        "| molecules | side | per CPU-second | ratio | outcomes |",
        "|---|---|--:|--:|---|",
    ]
    for name, (conditions, words) in libraries.items():
        found = race(
            PLUGIN,
            sides,
            conditions,
            seconds=seconds,
            rounds=rounds,
            seed=seed,
            described=words,
            files=False,
            progress=lambda text: click.echo(text, err=True),
        )
        found.write(output / name.lower())
        lines += line(name, found, {side.name: statuses(side, conditions, judged) for side in sides})
    lines += ["", f"Drug-like: {described}. The network answers at this speed whatever the outcome; it was trained on "
              "molecules of up to nine heavy atoms of C, N, O and F: beyond them its answers are \"extrapolated\", "
              "and \"unsupported\" where a token is new to it."]  # fmt: skip
    text = "\n".join(lines) + "\n"
    if page is not None:
        page.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
