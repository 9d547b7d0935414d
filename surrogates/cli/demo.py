"""`make demo`: every released surrogate sampled and drawn beside its card, some held against a fresh reference.

Plugins are whatever is installed with weights; where no reference runs forward, held-out truth serves.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..contract.errors import SurrogatesError
from ..io import OutputError
from ..sampling import opening
from .entry import CheckFailed
from .files import FILE
from .output import plain

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..release.cards import Card
    from ..reporting.page import Section, Table
    from ..sampling.surrogate import Surrogate
    from ..timing.timings import Benchmark

TRUTH_SECONDS = 14.0
"""Wall-clock seconds, about, that each plugin's reference may take on two cores."""
LARGEST, SMALLEST, BLOCK = 20_000, 500, 100
SHARE = 10
"""Of the samples that a plugin's figures are asked at, the demo compares one in so many: comparing has a cost too."""
BENCHMARK_SECONDS = 1.0
LEAST_SHOWN, MOST_SHOWN, UNTIMED = 4, 1000, 24
SAVED = 100
"""Samples that a quick look leaves in files: what some native formats cost exceeds the sampling."""


@dataclass(frozen=True)
class Shown:
    """What the demo made of one plugin."""

    section: Section
    files: tuple[Path, ...]


@click.command("demo")
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder of the results, made anew.")
@click.option("--plugin", "names", multiple=True, metavar="NAME", help="Only this plugin (may be repeated).")
@click.option(
    "--compare",
    "compared",
    multiple=True,
    metavar="NAME",
    help="Hold this plugin against its reference, simulated now (may be repeated; 'all' for every one).",
)
@click.option(
    "--truth-seconds", type=float, default=TRUTH_SECONDS, show_default=True, help="For each reference simulation."
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes of the reference.")
def demo_command(
    out: Path, names: tuple[str, ...], compared: tuple[str, ...], truth_seconds: float, workers: int
) -> None:
    """Sample and draw every released surrogate beside its card's figures, on one page."""
    start = time.monotonic()
    for name in compared:
        if name != "all":
            registry.entry(name)
    clear(out)
    shown = []
    chosen = names or [entry.name for entry in registry.plugins() if entry.package == "surrogates"]
    for name in sorted(chosen, key=lambda name: name not in compared):
        try:
            if name in compared or "all" in compared:
                shown.append(compare(name, out, truth_seconds=truth_seconds, workers=workers))
            else:
                shown.append(show(name, out))
        except SurrogatesError as error:
            say(f"left out {error}")
    if not shown:
        say("no surrogate has released weights")
        raise CheckFailed

    from ..reporting.page import write_report

    report = write_report(
        out / "report.html",
        [item.section for item in shown],
        title="Surrogates beside their simulators",
        introduction="Samples of the weights in this package. Figures are those of the cards, or, where it says "
        "so, were measured now against a reference simulated for this page; such runs are short, so that their floors "
        "and errors are large.",
        overwrite=True,
    )
    for item in shown:
        for path in item.files:
            say(f"  {path}")
    say(f"done in {time.monotonic() - start:.0f} s")
    print(report.resolve())


def show(name: str, folder: Path) -> Shown:
    """Sample and draw one plugin's default, check its laws, and show its card's figures; some seconds.

    Parameters
    ----------
    name : str
    folder : Path
        Where files go, under the plugin's name.

    Raises
    ------
    SurrogatesError
        No weights.
    """
    from ..release.headlines import headlines
    from ..reporting.page import Section

    plugin = registry.plugin(name)
    surrogate = opening.load(name)
    card = surrogate.card
    n = shown_size(card)
    say(f"{name}: sampling and drawing {n:,}")
    samples = surrogate.sample(plugin.prior(surrogate.conditions, n, 2), seed=1)
    section = Section(
        plugin=plugin,
        findings=card.findings,
        residuals={
            law.name: float(samples.attrs[f"residual_{law.name}"])
            for law in plugin.constraints
            if f"residual_{law.name}" in samples.attrs
        },
        figures={f"{n:,} samples of {name}/{card.recipe}, drawn now": plugin.figure(samples, None)},
        samples_attrs=samples.attrs,
        compared=f"Figures as measured for the card, {card.date}; laws checked on {n:,} samples drawn now.",
        tiles=headlines(card).shown(),
        use=card.use,
    )
    own = folder / name
    own.mkdir(parents=True)
    return Shown(section, (*_saved(plugin, {"samples": samples.isel(sample=slice(SAVED))}, own), *_drawn(section, own)))


def shown_size(card: Card) -> int:
    """Samples that take the surrogate about a second, from the rate on its card."""
    from ..release.headlines import own_rate

    rate = own_rate(card)
    return UNTIMED if rate is None else min(MOST_SHOWN, max(LEAST_SHOWN, int(rate)))


def compare(name: str, folder: Path, *, truth_seconds: float, workers: int) -> Shown:
    """Simulate, sample, compare, time and save one plugin.

    Parameters
    ----------
    name : str
    folder : Path
        Where files go, under the plugin's name.
    truth_seconds : float
    workers : int

    Raises
    ------
    SurrogatesError
        No weights.
    """
    from ..measuring import validate
    from ..release.headlines import headlines
    from ..reporting.validation import validation_section
    from ..timing.race import timed

    plugin = registry.plugin(name)
    surrogate = opening.load(name)
    asked = max((target.n for target in plugin.targets.values()), default=LARGEST)
    if plugin.reference is not None:
        n = truth_size(surrogate.card.speed, truth_seconds, workers, asked)
        say(f"{name}: simulating {n:,} samples with the reference")
        truth, spent = _simulated(plugin, n, workers)
        say(f"{name}: sampling as many from the surrogate (the reference took {spent:.0f} s)")
        samples = surrogate.sample(truth[list(plugin.conditions.names)], seed=1)
    else:
        truth = plugin.truth(SMALLEST, 2)
        surrogate, samples = _sampled(plugin, truth)
        say(f"{name}: {SMALLEST:,} sampled from {surrogate.card.recipe}, beside held-out ones (no reference runs)")
    say(f"{name}: comparing")
    found = validate(plugin, samples, truth, resamples=10, splits=3)
    say(f"{name}: timing")
    benchmark = timed(plugin, models=[surrogate.card.recipe], seconds=BENCHMARK_SECONDS, rounds=3)
    laws = {law.name: (found.residuals.get(law.name, 0.0), law.tolerance) for law in plugin.constraints}
    now = replace(surrogate.card, findings=tuple(found.findings), speed=benchmark.speeds(), laws=laws)
    section = validation_section(
        plugin,
        found,
        samples,
        truth,
        tables=[_speeds(benchmark)],
        tiles=headlines(now).shown(),
        use=surrogate.card.use,
    )
    own = folder / name
    own.mkdir(parents=True)
    (own / "findings.json").write_text(json.dumps(plain(found.to_json()), indent=1) + "\n", encoding="utf-8")
    saved = _saved(plugin, {"samples": samples, "reference": truth}, own)
    return Shown(section, (own / "findings.json", *benchmark.write(own), *saved, *_drawn(section, own)))


def _drawn(section: Section, folder: Path) -> list[Path]:
    paths = []
    for index, figure in enumerate(section.figures.values()):
        paths.append(folder / f"figure-{index}.png")
        figure.savefig(paths[-1], dpi=130, bbox_inches="tight")
    return paths


def _sampled(plugin: Plugin, truth: xr.Dataset) -> tuple[Surrogate, xr.Dataset]:
    """The first released model whose trained range holds the truth's conditions, and its samples at them."""
    refused = []
    for recipe in plugin.recipes:
        try:
            surrogate = opening.load(plugin.name, model=recipe)
            return surrogate, surrogate.sample(truth[list(plugin.conditions.names)], seed=1)
        except SurrogatesError as error:
            refused.append(str(error))
    raise SurrogatesError(f"{plugin.name}: no model fits the truth ({refused[0]})")


def truth_size(speeds: Sequence[Any], seconds: float, workers: int, asked: int = SHARE * LARGEST) -> int:
    """Reference samples that take about `seconds`, from the rate on the card; a multiple of `BLOCK`."""
    rate = next((speed.rate for speed in speeds if speed.side == "reference"), 50.0)
    most = min(LARGEST, max(asked // SHARE, BLOCK))
    return max(min(SMALLEST, most), min(most, int(rate * seconds * workers)) // BLOCK * BLOCK)


def _simulated(plugin: Plugin, n: int, workers: int) -> tuple[xr.Dataset, float]:
    """`n` truth samples at conditions of the prior, and the wall-clock seconds they took."""
    from ..sampling.parallel import sample_parallel

    start = time.monotonic()
    simulator = opening.reference(plugin.name)
    conditions = plugin.prior(simulator.conditions, n, 2)
    truth = sample_parallel(simulator, conditions, seed=2, workers=workers)
    return truth, time.monotonic() - start


def _saved(plugin: Plugin, sides: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Each side in NetCDF; the samples in HDF5 too, and in each native format that holds them."""
    from ..io import HDF5, NETCDF, FormatError

    written = []
    for entry, stem in (
        *((NETCDF, stem) for stem in sides),
        *((native, "samples") for native in (HDF5, *plugin.formats)),
    ):
        path = folder / f"{stem}{entry.suffixes[0]}"
        try:
            entry.write([sides[stem]], path, overwrite=True)
        except (FormatError, ImportError) as error:
            say(f"{plugin.name}: {path.name} is left out: {error}")
            continue
        written.append(path)
    return written


def _speeds(benchmark: Benchmark) -> Table:
    from ..reporting.page import Table, number

    rows = tuple(
        (
            timing.side,
            number(timing.per_cpu_second),
            number(benchmark.ratio(timing.side)) if any(t.side == "reference" for t in benchmark.timings) else "",
            f"{timing.samples:,}",
            number(timing.cpu_seconds),
            f"{timing.batch:,}",
        )
        for timing in benchmark.timings
    )
    return Table(
        "Speed",
        ("side", "samples per CPU-second", "× reference", "samples", "CPU-seconds", "batch"),
        rows,
        f"One core, both sides in turns in one run, decoding and laws included, files not. {benchmark.hardware}.",
    )


def clear(folder: Path) -> None:
    """Empty the folder of an earlier demo or gallery, and no other."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "report.html").exists() and not (folder / ".demo").exists():
            raise OutputError(f"{folder}: holds something else than an earlier run's pages; give another --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)
