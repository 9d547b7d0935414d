"""Time Pythia, the surrogates and Pythia with uncorrelated decays in one run, and show what each keeps of the spins.

python benchmarks/particle_events.py --seconds 20 --cores 1 --cores 2 --output benchmark/particle-events
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

from surrogates.plugins.particle_events.measure import measure
from surrogates.plugins.particle_events.reference import PythiaReference
from surrogates.plugins.particle_events.schema import CONDITIONS
from surrogates.timing.race import Contender, contenders, race

UNCORRELATED = (
    "Pythia with TauDecays:mode = 0, the cheapest alternative: isotropic decays, blind to the taus' polarisation and "
    "spin correlations"
)


def conditions(n: int, first: int, energy: float, radiation: str, decay: int = -1) -> xr.Dataset:
    """`n` rows at one energy; `decay` forces the channel of both taus."""
    return CONDITIONS.dataset(
        {
            "energy": np.full(n, energy),
            "initial_state_radiation": np.full(n, int(radiation == "on")),
            "asked_decay_minus": np.full(n, decay),
            "asked_decay_plus": np.full(n, decay),
        },
        np.arange(first, first + n),
    )


def spins(simulator: Any, n: int, energy: float, seed: int) -> str:
    """Energy and spin correlations and polarisation of `n` events in which both taus are forced to pi nu."""
    events = measure.reduce(simulator.sample(conditions(n, 0, energy, "off", decay=0), seed=seed))
    minus, plus = events["x_minus"].values, events["x_plus"].values
    correlation = np.corrcoef(minus, plus)[0, 1]
    product = -9.0 * events["analyser_z_minus"].values * events["analyser_z_plus"].values
    polarisation = 3.0 * (minus + plus - 1.0)
    parts = [
        f"<x- x+> correlation {correlation:.3f} ± {(1 - correlation**2) / np.sqrt(n):.3f}",
        f"longitudinal spin correlation {product.mean():.2f} ± {product.std() / np.sqrt(n):.2f}",
        f"polarisation {polarisation.mean():.3f} ± {polarisation.std() / np.sqrt(n):.3f}",
    ]
    return ", ".join(parts)


@click.command(help=__doc__)
@click.option("--seconds", default=20.0, show_default=True, help="CPU-seconds for each side and number of cores.")
@click.option("--cores", "--threads", multiple=True, type=int, default=(1,), show_default=True, help="Repeatable.")
@click.option("--energy", default=91.2, show_default=True, help="sqrt(s) in GeV.")
@click.option("--radiation", type=click.Choice(["off", "on"]), default="on", show_default=True)
@click.option("--spin-events", default=1000, show_default=True, help="Forced pi-pi events of each side; 0 for none.")
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/particle-events"), show_default=True)
def main(
    seconds: float, cores: tuple[int, ...], energy: float, radiation: str, spin_events: int, seed: int, output: Path
) -> None:
    """Run the benchmark and write JSON, Markdown and a figure."""
    sides = (
        *(
            replace(side, smallest=500) if side.name == "reference" else side  # Pythia initialises once a call
            for side in contenders("particle-events")
        ),
        Contender(
            "Pythia, uncorrelated decays",
            PythiaReference(correlated=False, batched=True),
            UNCORRELATED,
            smallest=2000,
        ),
    )
    notes = [
        "what makes the reference slow: the spin density matrix of the hard process; with TauDecays:mode = 3 (given "
        "helicities, the same decay matrix elements) Pythia runs several times faster",
        "where the surrogate does not win: against Pythia with uncorrelated decays, wherever tau spins do not matter",
    ]
    for side in sides if spin_events else ():
        click.echo(f"{side.name}: spins", err=True)
        notes.append(
            f"{side.name}, pi-pi forced, {spin_events} events: {spins(side.simulator, spin_events, energy, seed)}"
        )
    found = race(
        "particle-events",
        sides,
        lambda n, first: conditions(n, first, energy, radiation),
        seconds=seconds,
        cores=cores,
        seed=seed,
        described=f"sqrt(s) = {energy:g} GeV, initial-state radiation {radiation}, decays free",
        notes=notes,
        progress=lambda text: click.echo(text, err=True),
    )
    found.write(output)
    click.echo(found.to_markdown())


if __name__ == "__main__":
    sys.exit(main())
