"""Time UrQMD, its surrogate and SIBYLL in turns on one core, for every beam and target.

python benchmarks/hadron_interactions.py --interactions 60 --output benchmark/hadron-interactions
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import xarray as xr

import surrogates
from surrogates.contract.simulator import ELSEWHERE
from surrogates.physics.hadrons.beams import PROJECTILES, TARGETS
from surrogates.plugins.hadron_interactions.reference import SIBYLL_ENERGY, HadronReference
from surrogates.plugins.hadron_interactions.variables import CONDITIONS, ENERGY_RANGE
from surrogates.timing.race import hardware

SIBYLL = "Sibyll23d"
ANY = "20 GeV-10 TeV"


def asked(n: int, beam: int, target: int, energies: tuple[float, float], seed: int) -> xr.Dataset:
    """Conditions of one beam and target, log-uniform in energy."""
    low, high = energies
    energy = low * (high / low) ** np.random.default_rng(seed).random(n)
    codes = {"projectile": np.full(n, beam), "target": np.full(n, target)}
    return CONDITIONS.dataset(codes | {"energy": np.clip(energy, low, high)}, np.arange(n))


def spent(simulator: Any, conditions: xr.Dataset, seed: int) -> float:
    """CPU-seconds a sample."""
    start, elsewhere = time.process_time(), ELSEWHERE.seconds
    simulator.sample(conditions, seed=seed)
    return (time.process_time() - start + ELSEWHERE.seconds - elsewhere) / conditions.sizes["sample"]


def cell(
    simulators: dict[str, Any], beam: int, target: int, energies: tuple[float, float], interactions: int, rounds: int
) -> dict[str, float]:
    """Interactions a CPU-second of each simulator, in turns."""
    found: dict[str, list[float]] = {name: [] for name in simulators}
    for turn in range(rounds):
        for name, simulator in simulators.items():
            if name == SIBYLL and (target == 3 or energies[1] < SIBYLL_ENERGY):
                continue
            low = max(energies[0], SIBYLL_ENERGY) if name == SIBYLL else energies[0]
            n = 1024 if name == "surrogate" else interactions // rounds
            found[name].append(spent(simulator, asked(n, beam, target, (low, energies[1]), turn), turn))
    return {name: 1.0 / float(np.mean(values)) if values else float("nan") for name, values in found.items()}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = ["| beam | target | energy | UrQMD | surrogate | ratio | SIBYLL |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        other = "-" if np.isnan(row[SIBYLL]) else f"{row[SIBYLL]:,.0f}"
        lines.append(
            f"| {row['beam']} | {row['target']} | {row['energy']} | {row['UrQMD34']:,.0f} | {row['surrogate']:,.0f} "
            f"| {row['surrogate'] / row['UrQMD34']:.0f} | {other} |"
        )
    return "\n".join(lines)


@click.command()
@click.option("--interactions", default=60, show_default=True, help="Of UrQMD, a beam and target.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/hadron-interactions"))
def main(interactions: int, rounds: int, output: Path) -> None:
    """Write `speed.json` and print the table."""
    torch.set_num_threads(1)
    simulators = {
        "UrQMD34": HadronReference(),
        "surrogate": surrogates.load("hadron-interactions", threads=1),
        SIBYLL: HadronReference(SIBYLL),
    }
    for name, simulator in simulators.items():  # warm
        for target in (0, 1):
            simulator.sample(asked(64, 0, target, (100.0, 200.0), 0), seed=0)
        click.echo(f"{name} is warm", err=True)
    rows = []
    for energies, words in ((ENERGY_RANGE, ANY), ((20.0, 22.0), "20 GeV")):
        for target, to in enumerate(TARGETS):
            for beam, of in enumerate(PROJECTILES):
                rates = cell(simulators, beam, target, energies, interactions, rounds)
                rows.append({"beam": of, "target": to, "energy": words, **rates})
                click.echo(table(rows[-1:]).splitlines()[-1], err=True)
    output.mkdir(parents=True, exist_ok=True)
    (output / "speed.json").write_text(json.dumps({"hardware": hardware(), "rows": rows}, indent=1) + "\n")
    click.echo(table(rows))


if __name__ == "__main__":
    main()
