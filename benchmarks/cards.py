"""Measure released weights on test sets and put the figures, with their floors, on the weights' card.

python benchmarks/cards.py particle-events --truth truth.nc --second second.nc --section held-out=held_out.nc,more.nc

The first truth gives the plain figures; each section's figures are led by its name. The surrogate is sampled at the
truth's own conditions. A figure without a name of its own in the plugin's targets is not asked for anything.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
import xarray as xr

import surrogates
from surrogates.io import NETCDF, concatenate
from surrogates.measuring import Validation, validate
from surrogates.release.cards import Card, Speed


def read(path: str) -> xr.Dataset:
    """A whole NetCDF file."""
    assert NETCDF.read is not None
    return concatenate(NETCDF.read(Path(path)))


def measured(
    surrogate: surrogates.Surrogate,
    truth: xr.Dataset,
    second: xr.Dataset | None,
    *,
    seed: int,
    classifiers: bool,
    impostors: bool = True,
    training: xr.Dataset | None = None,
) -> Validation:
    """The surrogate at the truth's conditions, against the truth."""
    asked = truth[[name for name in surrogate.plugin.conditions.names if name in truth]]
    samples = surrogate.sample(asked, seed=seed)
    return validate(
        surrogate.plugin,
        samples,
        truth,
        second_truth=second,
        training=training,
        seed=seed,
        classifiers=classifiers,
        impostors=impostors,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )


@click.command(help=__doc__)
@click.argument("name")
@click.option("--model", help="Recipe; the plugin's first by default.")
@click.option("--truth", required=True, help="NetCDF file of the reference's samples.")
@click.option("--second", help="An independent truth, for the floors.")
@click.option("--training", help="What the weights were trained on, for memorisation.")
@click.option("--section", "sections", multiple=True, help="LABEL=TRUTH[,SECOND]: figures led by LABEL.")
@click.option("--plain", multiple=True, help="Sections measured without classifiers and impostors.")
@click.option("--impostors", help="JSON card whose impostors were measured against the same truths.")
@click.option("--speed", help="JSON of the domain's benchmark, whose timings go on the card.")
@click.option("--note", "notes", multiple=True, help="A line for the card.")
@click.option("--seed", default=2026, show_default=True)
def main(
    name: str,
    model: str | None,
    truth: str,
    second: str | None,
    training: str | None,
    sections: tuple[str, ...],
    plain: tuple[str, ...],
    impostors: str | None,
    speed: str | None,
    notes: tuple[str, ...],
    seed: int,
) -> None:
    surrogate = surrogates.load(name, model=model, extrapolate=True)
    findings, lines = [], list(notes)
    pool = read(training) if training else None
    found = measured(
        surrogate,
        read(truth),
        read(second) if second else None,
        seed=seed,
        classifiers=True,
        impostors=impostors is None,
        training=pool,
    )
    findings += found.findings
    lines += found.notes
    baselines = {label: {item.name: item.value for item in rows} for label, rows in found.baselines.items()}
    uncaught = list(found.uncaught)
    lines += [f"impostor {label!r} is not caught by the figures" for label in uncaught]
    for section in sections:
        label, _, files = section.partition("=")
        first, _, other = files.partition(",")
        part = measured(
            surrogate,
            read(first),
            read(other) if other else None,
            seed=seed + 1,
            classifiers=label not in plain,
            impostors=impostors is None and label not in plain,
        )
        findings += [replace(item, name=f"{label}/{item.name}") for item in part.findings]
        baselines |= {
            f"{label}/{kind}": {item.name: item.value for item in rows} for kind, rows in part.baselines.items()
        }
        lines += [f"{label}: {line}" for line in part.notes]
    if impostors:
        measured_too = tuple(f"{section.partition('=')[0]}/" for section in sections)
        known = Card.read(Path(impostors)).baselines
        baselines = {label: known[label] for label in known if "/" not in label or label.startswith(measured_too)}
    path = surrogate.path.with_suffix(".json")
    card = replace(
        Card.read(path), findings=tuple(findings), baselines=baselines, notes=tuple(lines), speed=timings(speed)
    )
    card.write(path)
    print(f"{path}: {len(findings)} figures, {len(card.unmet)} not met")
    for item in card.unmet:
        print(f"  {item.name}: {item.value:.4g}, floor {item.floor}, limit {item.limit}")


def timings(path: str | None) -> tuple[Speed, ...]:
    """Timings of a benchmark's JSON file."""
    if path is None:
        return ()
    found = json.loads(Path(path).read_text())
    names = ("side", "samples", "cpu_seconds", "wall_seconds", "batch")
    return tuple(
        Speed(**{name: row[name] for name in names}, threads=row["cores"], hardware=found["hardware"])
        for row in found["timings"]
    )


if __name__ == "__main__":
    main()
