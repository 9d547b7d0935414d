"""Print every figure of weights on stays that they never saw, beside floors and the cheap fakes; they count together.

python benchmarks/health_records.py --model physionet --challenge physionet2012_12x4h.npz
python benchmarks/health_records.py            # the default weights against the embedded simulator

Floors are of two halves of unseen stays (or two simulated cohorts), fakes are made of the training stays: a Gaussian
copula by outcome, a bootstrap, and one with noise. Each fake must miss a limit.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.measuring.classifiers import boosting
from surrogates.plugins.health_records.impostors import bootstrap, copula_by_outcome, noisy_bootstrap
from surrogates.plugins.health_records.measure import FIGURES, TARGETS, features
from surrogates.plugins.health_records.physionet import read_challenge, split
from surrogates.plugins.health_records.prediction import splits
from surrogates.plugins.health_records.recipes import truth as simulated
from surrogates.plugins.health_records.variables import CONDITIONS
from surrogates.release.cards import Card


def measured(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset, *, folds: int = 4) -> dict[str, float]:
    """All figures of samples, the classifier's too; kinds of unit that truth does not know are hidden in both."""
    if (truth["unit"].values < 0).any() and not (samples["unit"].values < 0).any():
        hidden = np.resize(truth["unit"].values < 0, samples.sizes["sample"])
        samples = samples.assign(unit=samples["unit"].where(~hidden, -1).astype(np.int8))
    found = boosting(features(samples)[0], features(truth)[0], folds=folds)
    return {"auc_high_level": found.auc, **FIGURES(samples, truth, training)}


def cohorts(challenge: Path | None, n: int) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Training stays, unseen stays, and others of the training's kind for the floors."""
    if challenge is None:
        return simulated(3 * n, 91), simulated(n, 92), simulated(n, 93)
    training, unseen = split(read_challenge(challenge))
    return training, unseen, training.isel(sample=slice(0, unseen.sizes["sample"]))


def limit(name: str, floor: float) -> tuple[str, float]:
    """The limit of a figure, and which way it holds."""
    target = TARGETS[name]
    if target.at_least is not None:
        return ">=", target.at_least
    if target.at_most is not None:
        return "<=", target.at_most
    return "<=", (target.floors or np.inf) * floor


def truth_name(challenge: Path | None) -> str:
    """What the truth is, in words."""
    return "the embedded simulator" if challenge is None else "PhysioNet 2012"


def spread(values: np.ndarray) -> float:
    """Half a 95 % interval of the mean of five splits, by Student's t; a little small, as splits share stays."""
    return float(2.776 * values.std(ddof=1) / len(values) ** 0.5)


def put_on_card(weights: Path, told: tuple[str, ...]) -> None:
    """Notes onto the card beside the weights, in place of those of an earlier measurement."""
    path = weights.with_suffix(".json")
    own = Card.read(path)
    old = ("no figure has been measured", "measured by benchmarks/", f"of {len(TARGETS)} limits missed")
    replace(own, notes=(*told, *(note for note in own.notes if not note.startswith(old)))).write(path)


@click.command(help=__doc__)
@click.option("--model", default=None, help="Recipe whose weights are measured.")
@click.option("--weights", type=click.Path(path_type=Path), default=None, help="Others than the released ones.")
@click.option("--challenge", type=click.Path(path_type=Path), default=None, help="The PhysioNet 2012 file.")
@click.option("-n", "stays", default=1500, show_default=True, help="Stays on each side, of simulated truth.")
@click.option("--seed", default=2026, show_default=True)
@click.option("--card", is_flag=True, help="Put what was found on the card of the released weights, as notes.")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="JSON of all figures.")
def main(
    model: str | None,
    weights: Path | None,
    challenge: Path | None,
    stays: int,
    seed: int,
    card: bool,
    output: Path | None,
) -> None:
    """Measure and print."""
    training, truth, other = cohorts(challenge, stays)
    simulator: Any = surrogates.load("health-records", model=model, weights=weights)
    n = truth.sizes["sample"]
    asked = truth[list(CONDITIONS.names)].assign_coords(sample=np.arange(n))
    samples = simulator.sample(asked, seed=seed)
    sides = {
        "samples": samples,
        "truth": other,
        "copula": copula_by_outcome(training.isel(sample=slice(0, n)), seed),
        "bootstrap": bootstrap(training, n, seed),
        "noisy bootstrap": noisy_bootstrap(training, n, seed),
    }
    found: dict[str, dict[str, float]] = {}
    for name, side in sides.items():
        known = training
        if name == "truth" and challenge is not None:  # these are training stays themselves: ask about the others
            known = training.isel(sample=slice(n, None))
        found[name] = measured(side, truth, known)
    floors = found["truth"]
    click.echo("| figure | limit | " + " | ".join(sides) + " |")
    click.echo("| --- | --- | " + " | ".join("---" for _ in sides) + " |")
    missed = dict.fromkeys(sides, 0)
    for figure in floors:
        sign, bound = limit(figure, floors[figure])
        cells = []
        for name in sides:
            value = found[name].get(figure, float("nan"))
            holds = value <= bound if sign == "<=" else value >= bound
            missed[name] += not holds
            cells.append(f"{value:.4f}" + ("" if holds else " *"))
        click.echo(f"| {figure} | {sign} {bound:.4f} | " + " | ".join(cells) + " |")
    click.echo("\n* misses its limit: " + ", ".join(f"{name} {count}" for name, count in missed.items()))
    ratios = splits(samples, truth)
    pairs = {"tstr": ratios[:, 2] / ratios[:, 0], "trts": ratios[:, 1] / ratios[:, 0]}
    for name, values in pairs.items():
        told_ratio = f"{values.mean():.3f} +- {spread(values):.3f}"
        click.echo(f"{name} ratio {told_ratio} (95 %, {len(values)} splits); {np.round(values, 3)}")
    click.echo(f"AUROC: real to real {ratios[:, 0].mean():.3f}, samples to real {ratios[:, 2].mean():.3f}")
    rates = {}
    for name, side in (("surrogate", simulator), ("embedded simulator", surrogates.reference("health-records"))):
        side.sample(1024, seed=1)
        begun = time.process_time()
        side.sample(8192, seed=2)
        rates[name] = 8192 / (time.process_time() - begun)
    click.echo(", ".join(f"{name} {rate:,.0f} stays/CPU-s" for name, rate in rates.items()))
    if card:
        told = (
            f"measured by benchmarks/health_records.py on {n:,} stays of {truth_name(challenge)} that training never "
            f"saw: classifier on the full table with its gaps {found['samples']['auc_high_level']:.3f} (two truths "
            f"{floors['auc_high_level']:.3f}, at most 0.8 asked); mortality learned from samples "
            f"{pairs['tstr'].mean():.3f} +- {spread(pairs['tstr']):.3f} of what real stays teach, judged on samples "
            f"{pairs['trts'].mean():.3f} +- {spread(pairs['trts']):.3f} (0.97 asked, 95 % over five splits); "
            f"nearest-neighbour attack on membership {found['samples']['membership']:.4f} at 0.01 false positives",
            f"of {len(floors)} limits missed, floors from one pair of truths: "
            + ", ".join(f"{name} {count}" for name, count in missed.items())
            + " (the last three are fakes, of which each must miss one)",
        )
        put_on_card(simulator.path, told)
    if output is not None:
        output.write_text(json.dumps({"figures": found, "missed": missed, "rates": rates}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
