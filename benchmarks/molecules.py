"""Time the writing of molecules, and of finding molecules in a narrow gap window beside screening QM9 by GFN2-xTB.

OMP_NUM_THREADS=1 python benchmarks/molecules.py --output benchmark/molecules --table docs/molecules-speed.md

Every side runs on one core and one thread, in turns. Written molecules are counted where RDKit can sanitise them, which
is judged outside the timing. A search is timed whole: writing or reading candidates, RDKit and GFN2-xTB. Weights that
never saw a gap are timed in writing alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.physics.molecules.descriptors import parse
from surrogates.physics.molecules.simulation import simulate
from surrogates.physics.molecules.structure import inchi_key
from surrogates.plugins.molecules.enrichment import Search, asked, ranked, screened
from surrogates.plugins.molecules.measure import texts
from surrogates.plugins.molecules.packaged import key, known_keys
from surrogates.plugins.molecules.variables import PROPERTIES
from surrogates.sampling.surrogate import Surrogate
from surrogates.timing.race import Contender, hardware, race, versions
from surrogates.timing.timings import Benchmark, Timing

PLUGIN = "molecules"
CALL = 4096
ASKED_RATE, ASKED_RATIO = 500.0, 10.0
"""What is asked: valid molecules a second unguided in bfloat16, and screening's cost of a match over generation's."""

WINDOWS = {"tail": (10.4, 10.6), "body": (4.1, 4.3)}
"""Gap windows [eV], chosen before any search: 0.2 eV, twice what two conformers of a molecule differ by, from the 98th
percentile of QM9's GFN2-xTB gaps on (10.41 eV) and about their median (4.20 eV)."""


GENERATION, SCREENING = "generation", "screening"


@dataclass(frozen=True)
class Writer:
    """A surrogate that keeps what it wrote, to be judged when the clock stands still.

    Attributes
    ----------
    surrogate : Surrogate
    asking : bool
        False asks for nothing.
    written : list of str
    """

    surrogate: Surrogate
    asking: bool = False
    written: list[str] = field(default_factory=list, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Molecules at the conditions, or at none."""
        if not self.asking:
            conditions = conditions.assign({name: conditions[name].where(False) for name in PROPERTIES})
        found = self.surrogate.sample(conditions, seed=seed)
        self.written.extend(texts(found))
        return found

    def validity(self) -> float:
        """Share of what was written that RDKit can sanitise."""
        return float(np.mean([parse(text).molecule is not None for text in self.written]))


def sides(surrogate: Surrogate, call: int = CALL) -> tuple[Contender, ...]:
    """Unguided in both precisions, and guided in bfloat16."""
    asked = "guidance 1.5, RDKit's five properties asked"
    writers = (
        ("unguided, bfloat16", Writer(surrogate.using(precision="bfloat16")), "nothing asked"),
        ("unguided, float32", Writer(surrogate.using(precision="float32")), "nothing asked"),
        ("guided, bfloat16", Writer(surrogate.using(precision="bfloat16", guidance=1.5), asking=True), asked),
    )
    return tuple(Contender(*writer, smallest=call, batch=surrogate.batch) for writer in writers)


def writing(
    surrogate: Surrogate,
    *,
    call: int = CALL,
    rounds: int = 5,
    seconds: float = 0.0,
    seed: int = 1,
    progress: Any = None,
) -> Benchmark:
    """Valid molecules per CPU-second of each side.

    Parameters
    ----------
    surrogate : Surrogate
    call : int
        Molecules a call, after two calls that warm up.
    rounds : int
    seconds : float
        CPU-seconds of each side; one call a round where that takes longer.
    """

    def conditions(n: int, first: int) -> xr.Dataset:
        drawn = surrogate.plugin.prior(surrogate.conditions, n, first)
        return drawn.assign_coords(sample=np.arange(first, first + n))

    contenders = sides(surrogate, call)
    found = race(
        PLUGIN,
        contenders,
        conditions,
        seconds=seconds,
        rounds=rounds,
        seed=seed,
        described=f"recipe {surrogate.card.recipe}, one core, one thread, {rounds} rounds in turns",
        files=False,
        progress=progress,
    )
    shares = {side.name: side.simulator.validity() for side in contenders}  # type: ignore[union-attr]
    timings = tuple(valid(timing, shares[timing.side]) for timing in found.timings)
    return replace(found, timings=timings, notes=(*found.notes, "samples are valid molecules"))


def valid(timing: Timing, share: float) -> Timing:
    """The same with valid molecules alone counted."""
    return replace(
        timing,
        samples=round(timing.samples * share),
        rates=tuple(rate * share for rate in timing.rates),
        note=f"{timing.note}; {share:.1%} valid, the others not counted",
    )


@dataclass(frozen=True)
class Found:
    """The searches in one window, by side."""

    name: str
    window: tuple[float, float]
    searches: dict[str, Search]

    @property
    def label(self) -> str:
        """The window in words."""
        return f"gap {self.window[0]:g} to {self.window[1]:g} eV"

    def ratio(self, side: str) -> float:
        """How many times as much a match costs by screening; NaN where a side found none."""
        screening, other = self.searches[SCREENING], self.searches[side]
        return screening.each / other.each if screening.found and other.found else float("nan")


def search(
    surrogate: Surrogate,
    name: str,
    window: tuple[float, float],
    library: Sequence[str],
    *,
    find: int,
    seconds: float,
    properties: Surrogate | None = None,
    seed: int = 1,
    batch: int = 512,
) -> Found:
    """Find molecules in a gap window by asking the surrogate, and by screening `library`.

    With `properties`, a surrogate of molecule-properties, both once more with its candidates alone.
    """
    wanted = {"gap": window}
    simulate("CC", 0)
    next(asked(surrogate, wanted, seed + 1, batch))
    sides: dict[str, Iterable[str]] = {GENERATION: asked(surrogate, wanted, seed, batch), SCREENING: library}
    if properties is not None:
        properties.sample(1, seed=0, smiles="CC")
        sides[f"{GENERATION}, ranked"] = ranked(asked(surrogate, wanted, seed, batch), wanted, properties)
        sides[f"{SCREENING}, ranked"] = ranked(library, wanted, properties)
    return Found(name, window, {side: Search(wanted).run(texts, find, seconds) for side, texts in sides.items()})


def new_share(molecules: Iterable[str]) -> float:
    """Share of molecules that are in neither training set."""
    keys = [key(inchi_key(parse(text).molecule), text) for text in molecules]
    return float(np.mean(~np.isin(keys, known_keys()))) if keys else float("nan")


def with_searches(benchmark: Benchmark, searches: Iterable[Found]) -> Benchmark:
    """The same with matches per CPU-second of each window's two sides."""
    timings, notes = list(benchmark.timings), list(benchmark.notes)
    for item in searches:
        for side, ran in item.searches.items():
            note = f"{len(ran.found)} matches of {ran.judged:,} judged, all simulated; samples are matches"
            timings.append(
                Timing(f"{side}, {item.label}", len(ran.found), ran.cpu_seconds, ran.wall_seconds, 1, 1, note=note)
            )
        ratios = ", ".join(f"{item.ratio(side):.1f} ({side})" for side in item.searches if side != SCREENING)
        notes.append(
            f"a match at {item.label} ({item.name}) costs so many times as much by screening QM9: {ratios}; "
            f"{ASKED_RATIO:.0f} asked; {new_share(item.searches[GENERATION].found):.0%} of the generated are in no "
            "training set"
        )
    return replace(benchmark, timings=tuple(timings), notes=tuple(notes))


def table(writings: dict[str, Benchmark], searches: Iterable[Found], options: str) -> str:
    """Both parts in Markdown; `options` are those that the run was given."""
    lines = [
        "# What a molecule costs",
        "",
        f"One run on one core and one thread (`python benchmarks/molecules.py {options}`): the sides of writing in "
        f"turns, the searches one after another. {hardware()}; torch {versions()['torch']}.",
        "",
        f"Valid molecules per CPU-second, median over rounds of calls of {CALL:,} after a warm-up; validity is judged "
        f"outside the timing. Asked: {ASKED_RATE:.0f} unguided in bfloat16.",
        "",
        "| weights | side | valid per CPU-second | least to most | |",
        "|---|---|--:|--:|---|",
    ]
    for model, benchmark in writings.items():
        for timing in benchmark.timings:
            if timing.rates:
                spread = f"{min(timing.rates):,.0f} to {max(timing.rates):,.0f}"
                lines.append(f"| {model} | {timing.side} | {np.median(timing.rates):,.0f} | {spread} | {timing.note} |")
    found = list(searches)
    if found:
        lines += [
            "",
            "Molecules in a gap window, each verified by GFN2-xTB: asked of the surrogate (bfloat16), or screened from "
            "QM9 in random order; *ranked*: only those of them that molecule-properties expects in the window are "
            "verified, and it has seen most of QM9. CPU-seconds hold writing, RDKit, networks and GFN2-xTB, up to the "
            "matches or the CPU-seconds that the options allow. The windows were chosen before any "
            "search: 0.2 eV from the 98th percentile of QM9's gaps on, and about their median. "
            f"Asked: a ratio of {ASKED_RATIO:.0f}.",
            "",
            "| window | side | found | judged | CPU-s | CPU-s a match | ratio |",
            "|---|---|--:|--:|--:|--:|--:|",
        ]
        for item in found:
            for side, ran in item.searches.items():
                ratio = f"{item.ratio(side):.1f}" if side != SCREENING else ""
                lines.append(
                    f"| {item.label}, {item.name} | {side} | {len(ran.found)} | {ran.judged:,} | "
                    f"{ran.cpu_seconds:,.1f} | {ran.each:.3g} | {ratio} |"
                )
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=("zinc", "qm9"), show_default=True, help="Recipes.")
@click.option("--seconds", default=60.0, show_default=True, help="CPU-seconds for each side of the writing.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--find", default=100, show_default=True, help="Matches in a window.")
@click.option("--most", default=900.0, show_default=True, help="CPU-seconds after which a search gives up.")
@click.option("--guidance", default=1.0, show_default=True, help="Of the generation in a window.")
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/molecules"), show_default=True)
@click.option("--table", "page", type=click.Path(path_type=Path), help="Where to write the tables, in Markdown.")
def main(
    models: tuple[str, ...],
    seconds: float,
    rounds: int,
    find: int,
    most: float,
    guidance: float,
    seed: int,
    output: Path,
    page: Path | None,
) -> None:
    """Run the benchmark; write JSON, Markdown and a figure for each recipe, and the tables of all."""
    writings: dict[str, Benchmark] = {}
    searches: list[Found] = []

    def tell(text: str) -> None:
        click.echo(text, err=True)

    for model in models:
        surrogate = surrogates.load(PLUGIN, model=model, threads=1)
        found = writing(surrogate, rounds=rounds, seconds=seconds, seed=seed, progress=tell)
        if "gap" not in surrogate.card.unseen:
            chosen = surrogate.using(precision="bfloat16", guidance=guidance)
            ran: list[Found] = []
            for name, window in WINDOWS.items():
                tell(f"{model}: {find} molecules at a gap of {window[0]:g} to {window[1]:g} eV")
                ran.append(
                    search(
                        chosen,
                        name,
                        window,
                        screened(None, seed),
                        find=find,
                        seconds=most,
                        properties=surrogates.load("molecule-properties", threads=1),
                        seed=seed,
                    )
                )
            found = with_searches(found, ran)
            searches += ran
        found.write(output / model)
        writings[model] = found
    options = f"--rounds {rounds} --seconds {seconds:g} --find {find} --most {most:g} --guidance {guidance:g}"
    text = table(writings, searches, options)
    output.mkdir(parents=True, exist_ok=True)
    (output / "tables.md").write_text(text, encoding="utf-8")
    if page is not None:
        page.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
