"""Time the Pythia and anti-kT chain, the surrogates and a stored pool of jets in one run.

python benchmarks/jets.py --seconds 30 --cores 1 --cores 2 --output benchmark/jets
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

from surrogates.physics.jets.simulation import JET_TYPES, JetSimulation, concatenate
from surrogates.plugins.jets import reference as chain
from surrogates.plugins.jets.variables import CONDITIONS, OUTPUTS
from surrogates.timing.race import Contender, contenders, prior_conditions, race

STORED = (
    "the cheapest alternative where a fixed set of jets will do: simulated once, each row is dealt a stored jet of its "
    "type near in pT; it repeats itself, so that its statistical error stops falling at the pool's size"
)


@dataclass(frozen=True)
class StoredJets:
    """A pool of simulated jets behind the call of a simulator; jets are used again and again.

    Attributes
    ----------
    pool : xarray.Dataset
        Natural-spectrum jets with their conditions.
    """

    pool: xr.Dataset
    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Deal each row one of the eight stored jets of its type that are nearest in pT, scaled to the asked pT."""
        generator = np.random.default_rng([seed, int(conditions["sample"].values[0])])
        asked, codes = conditions["jet_pt"].values, conditions["jet_type"].values
        own, kinds = self.pool["jet_pt"].values, self.pool["jet_type"].values
        chosen = np.empty(len(asked), dtype=np.int64)
        for code in np.unique(codes):
            order = np.flatnonzero(kinds == code)
            order = order[np.argsort(own[order])]
            rows = np.flatnonzero(codes == code)
            near = np.searchsorted(own[order], asked[rows]) + generator.integers(-4, 4, len(rows))
            chosen[rows] = order[np.clip(near, 0, len(order) - 1)]
        values = {name: self.pool[name].values[chosen] for name in OUTPUTS.names}
        values["jet_mass"] = values["jet_mass"] * asked / own[chosen]
        return conditions.merge(OUTPUTS.dataset(values, conditions["sample"].values))


@dataclass(frozen=True)
class NaturalSpectrum:
    """The bare chain: jets as Pythia gives them, no pT asked, one generator a type, initialised once."""

    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS
    chains: dict[str, JetSimulation] = field(default_factory=dict)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """As many natural-spectrum jets of each type as there are rows of it."""
        samples, codes = conditions["sample"].values, conditions["jet_type"].values
        order = np.argsort(codes, kind="stable")
        parts = []
        for code, name in enumerate(JET_TYPES):
            wanted = int((codes == code).sum())
            if wanted:
                if name not in self.chains:
                    self.chains[name] = JetSimulation(name)
                made = self.chains[name].block(seed, int(samples[0]), n_events=10 * wanted + 100, enough=wanted)
                parts.append(made.take(np.arange(wanted)))
        jets = concatenate(parts)
        return chain.to_dataset(jets, codes[order], jets.jet_pt, samples[order], seed=seed)


@click.command(help=__doc__)
@click.option("--seconds", default=30.0, show_default=True, help="CPU-seconds for each side and number of cores.")
@click.option("--cores", "--threads", multiple=True, type=int, default=(1,), show_default=True, help="Repeatable.")
@click.option("--pool", default=1500, show_default=True, help="Stored jets of the alternative, simulated first.")
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/jets"), show_default=True)
def main(seconds: float, cores: tuple[int, ...], pool: int, seed: int, output: Path) -> None:
    """Run the benchmark and write JSON, Markdown and a figure."""
    click.echo(f"simulating a pool of {pool} jets", err=True)
    stored = StoredJets(chain.truth(pool, seed))
    sides = [replace(side, smallest=max(side.smallest, 150)) for side in contenders("jets")]
    sides += [
        Contender("reference, natural spectrum", NaturalSpectrum(), "the same chain when no jet pT is asked", 600),
        Contender("stored jets", stored, f"{pool} jets: {STORED}", smallest=4096),
    ]
    found = race(
        "jets",
        sides,
        prior_conditions("jets"),
        seconds=seconds,
        cores=cores,
        seed=seed,
        described="natural pT spectrum, equal thirds of gluon, light-quark and top jets",
        notes=[
            "what makes the reference slow: showers, multiparton interactions and hadronisation of a whole event for "
            "at most two jets",
            "where the surrogate does not win: against a stored pool, wherever its statistics suffice",
        ],
        progress=lambda text: click.echo(text, err=True),
    )
    found.write(output)
    click.echo(found.to_markdown())


if __name__ == "__main__":
    sys.exit(main())
