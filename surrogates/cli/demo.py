"""`make demo`: every released surrogate sampled, held against a fresh reference and timed, in one page.

It goes through whatever plugins are installed with their weights and a reference,
or a held-out truth where none runs forward.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..contract.errors import SurrogatesError
from ..io import OutputError
from ..sampling import opening
from .entry import CheckFailed
from .files import FILE

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..reporting.page import Section, Table
    from ..sampling.surrogate import Surrogate
    from ..timing.timings import Benchmark

TRUTH_SECONDS = 14.0
"""Wall-clock seconds, about, that each plugin's reference may take on two cores."""
LARGEST, SMALLEST, BLOCK = 20_000, 500, 100
SHARE = 10
"""Of the samples that a plugin's figures are asked at, the demo compares one in so many: comparing has a cost too."""
BENCHMARK_SECONDS = 1.0
MEGABYTES_SHOWN = 1e6


@dataclass(frozen=True)
class Shown:
    """What the demo made of one plugin."""

    section: Section
    files: tuple[Path, ...]


@click.command("demo")
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder of the results, made anew.")
@click.option("--plugin", "names", multiple=True, metavar="NAME", help="Only this plugin (may be repeated).")
@click.option(
    "--truth-seconds", type=float, default=TRUTH_SECONDS, show_default=True, help="For each reference simulation."
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes of the reference.")
def demo_command(out: Path, names: tuple[str, ...], truth_seconds: float, workers: int) -> None:
    """Sample every released surrogate, hold it against a fresh reference, time both, and write one page."""
    start = time.monotonic()
    _clear(out)
    shown = []
    for name in names or [entry.name for entry in registry.plugins() if entry.package == "surrogates"]:
        try:
            shown.append(show(name, out, truth_seconds=truth_seconds, workers=workers))
        except SurrogatesError as error:
            _say(f"left out {error}")
    if not shown:
        _say("no surrogate has released weights and a reference simulator")
        raise CheckFailed

    from ..reporting.page import write_report

    report = write_report(
        out / "report.html",
        [item.section for item in shown],
        title="Surrogates beside their simulators",
        introduction="Made by `make demo`: samples from the weights in this repository beside references that were "
        "simulated for this page, or beside held-out data where no simulator runs forward. The runs are short, so "
        "floors and errors are large; the cards hold the full figures.",
        overwrite=True,
    )
    for item in shown:
        for path in item.files:
            _say(f"  {path}")
    _say(f"done in {time.monotonic() - start:.0f} s")
    print(report.resolve())


def show(name: str, folder: Path, *, truth_seconds: float, workers: int) -> Shown:
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
    from ..reporting.validation import validation_section
    from ..timing.race import timed

    plugin = registry.plugin(name)
    surrogate = opening.load(name)
    asked = max((target.n for target in plugin.targets.values()), default=LARGEST)
    if plugin.reference is not None:
        n = truth_size(surrogate.card.speed, truth_seconds, workers, asked)
        _say(f"{name}: simulating {n:,} samples with the reference")
        truth, spent = _simulated(plugin, n, workers)
        _say(f"{name}: sampling as many from the surrogate (the reference took {spent:.0f} s)")
        samples = surrogate.sample(truth[list(plugin.conditions.names)], seed=1)
    else:
        truth = plugin.truth(SMALLEST, 2)
        surrogate, samples = _sampled(plugin, truth)
        _say(f"{name}: {SMALLEST:,} sampled from {surrogate.card.recipe}, beside held-out ones (no reference runs)")
    _say(f"{name}: comparing")
    found = validate(plugin, samples, truth, resamples=10, splits=3)
    _say(f"{name}: timing")
    benchmark = timed(plugin, models=[surrogate.card.recipe], seconds=BENCHMARK_SECONDS, rounds=3)
    section = validation_section(
        plugin, found, samples, truth, tables=[_speeds(benchmark)], tiles=_tiles(plugin, benchmark, surrogate)
    )
    own = folder / name
    own.mkdir(parents=True)
    (own / "findings.json").write_text(json.dumps(_finite(found.to_json()), indent=1) + "\n", encoding="utf-8")
    files = [own / "findings.json", *benchmark.write(own), *_saved(plugin, samples, truth, own)]
    for index, figure in enumerate(section.figures.values()):
        files.append(own / f"figure-{index}.png")
        figure.savefig(files[-1], dpi=130, bbox_inches="tight")
    return Shown(section, tuple(files))


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


def _saved(plugin: Plugin, samples: xr.Dataset, truth: xr.Dataset, folder: Path) -> list[Path]:
    """Samples in HDF5, in NetCDF and in each native format that holds them; the reference in NetCDF."""
    from ..io import HDF5, NETCDF, FormatError

    written = []
    for entry, dataset, stem in (
        (HDF5, samples, "samples"),
        (NETCDF, truth, "reference"),
        *((native, samples, "samples") for native in plugin.formats),
    ):
        path = folder / f"{stem}{entry.suffixes[0]}"
        try:
            entry.write([dataset], path, overwrite=True)
        except (FormatError, ImportError) as error:
            _say(f"{plugin.name}: {path.name} is left out: {error}")
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


def _tiles(plugin: Plugin, benchmark: Benchmark, surrogate: Any) -> list[tuple[str, str]]:
    from ..reporting.page import number

    tiles = []
    if {"reference", "surrogate"} <= {timing.side for timing in benchmark.timings}:
        tiles.append((f"{number(benchmark.ratio('surrogate'))} ×", "the reference's samples per CPU-second"))
    tiles.append(
        (f"{surrogate.card.bytes / MEGABYTES_SHOWN:.1f} MB", f"weights of {plugin.name}/{surrogate.card.recipe}")
    )
    return tiles


def _finite(data: Any) -> Any:
    from .output import plain

    return plain(data)


def _clear(folder: Path) -> None:
    """Empty the folder of an earlier demo, and no other."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "report.html").exists() and not (folder / ".demo").exists():
            raise OutputError(f"{folder}: holds something else than an earlier demo; give another --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
