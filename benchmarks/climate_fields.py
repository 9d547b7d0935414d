"""Time climate-fields and its reference, jcm, in CPU-seconds a simulated day on one core.

OMP_NUM_THREADS=1 python benchmarks/climate_fields.py --output docs/climate-fields-speed.md

Both make the same season. The reference's spin-up, which every independent day would need, is printed apart, and so is
its compilation; the surrogate's time holds decoding and the laws. The cheapest honest alternative, a copula of leading
patterns, is timed beside them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

import surrogates
from surrogates.plugins.climate_fields import simulation
from surrogates.plugins.climate_fields.conditions import pattern
from surrogates.plugins.climate_fields.impostors import copula
from surrogates.provenance import processor

START = np.datetime64("2001-12-01", "D")


def seconds(work: Callable[[], object]) -> np.ndarray:
    """CPU-seconds and wall seconds of a call."""
    before = time.process_time(), time.perf_counter()
    work()
    return np.array([time.process_time() - before[0], time.perf_counter() - before[1]])


def ocean_of(index: float) -> simulation.Anomaly:
    """An anomaly that stands all year."""
    standing = pattern(index)
    return lambda dates: simulation.open_water(np.broadcast_to(standing, (len(dates), *standing.shape)), dates)


@click.command(help=__doc__)
@click.option("--days", default=90, show_default=True, help="Of the season, a multiple of 5.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--samples", default=8, show_default=True, help="Seasons that the surrogate makes in a round.")
@click.option("--models", default="weather", show_default=True, help="Recipes, commas between them.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "timings", type=click.Path(path_type=Path, dir_okay=False), help="For benchmarks/cards.py.")
def main(days: int, rounds: int, samples: int, models: str, output: Path | None, timings: Path | None) -> None:
    ocean, loaded = ocean_of(2.0), {}
    first = seconds(lambda: simulation.daily_means(START, 5, ocean, 1, spin_up=0))[0]
    spent: dict[str, np.ndarray] = {"reference": np.zeros(2)}
    made = {"reference": rounds * days}
    for name in models.split(","):
        loaded[name] = surrogates.load("climate-fields", model=name, threads=1)
        loaded[name].sample(samples, seed=0, day_of_year=335, nino34=2.0)
        spent[f"surrogate, recipe {name}"] = np.zeros(2)
        made[f"surrogate, recipe {name}"] = rounds * days * samples
    for turn in range(rounds):
        spent["reference"] += seconds(lambda turn=turn: simulation.daily_means(START, days, ocean, turn + 2, spin_up=0))
        for name, model in loaded.items():
            spent[f"surrogate, recipe {name}"] += seconds(
                lambda model=model, turn=turn: model.sample(
                    samples, seed=turn, day_of_year=335, n_days=days, nino34=2.0
                )
            )
    pairs = next(iter(loaded.values())).sample(180, seed=0, n_days=2)
    spent["copula of leading patterns, fitted and drawn"] = seconds(lambda: copula(pairs, 1))
    made["copula of leading patterns, fitted and drawn"] = 360
    text = page(spent, made, days, first)
    print(text)
    if output is not None:
        output.write_text(text)
    if timings is not None:
        rows = [
            {"side": side, "samples": made[side], "cpu_seconds": cpu, "wall_seconds": wall, "cores": 1, "batch": None}
            for side, (cpu, wall) in spent.items()
        ]
        timings.write_text(json.dumps({"hardware": processor(), "timings": rows}, indent=1))


def page(spent: dict[str, np.ndarray], made: dict[str, int], days: int, first: float) -> str:
    """What was timed as a page."""
    each = spent["reference"][0] / made["reference"]
    lines = [
        f"# climate-fields: CPU-seconds a simulated day\n\n{processor()}, one thread, seasons of {days} days.\n",
        "| | days | CPU-s a day | times the reference |",
        "| --- | --- | --- | --- |",
    ]
    for side, (cpu, _) in spent.items():
        shown = "jcm (T31, eight levels)" if side == "reference" else side
        lines.append(f"| {shown} | {made[side]} | {cpu / made[side]:.4f} | {each * made[side] / cpu:.0f} |")
    lines += [
        "",
        f"Independent days need a spin-up of {simulation.SPIN_UP} days each, {simulation.SPIN_UP * each:.0f} CPU-s, "
        f"which the table leaves out, as it does the reference's first call with import and compilation, {first:.0f} "
        f"CPU-s. Rounds are interleaved; {os.cpu_count()} cores.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
