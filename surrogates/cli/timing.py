"""`surrogates benchmark`: reference and surrogate in turns, in one run, on the same cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..counting import Counter
from ..errors import SimulatorMissing, WeightsError
from ..io import OutputError
from ..request import condition_dataset
from .conditions import condition_options, given_conditions
from .generation import PluginCommands
from .output import announce

if TYPE_CHECKING:
    import xarray as xr

    from ..plugin import Plugin
    from ..schema import Schema
    from ..timings import Benchmark

RESULTS = ("benchmark.json", "benchmark.md", "benchmark.png")


def _benchmark(plugin: Plugin) -> click.Command:
    options = [
        click.Option(
            ["--model", "models"], multiple=True, metavar="RECIPE", help="Models to time; all released by default."
        ),
        click.Option(["--seconds"], type=float, default=10.0, show_default=True, help="CPU-seconds of each side."),
        click.Option(
            ["--cores"], type=click.IntRange(min=1), multiple=True, help="Numbers of processes; 1 by default."
        ),
        click.Option(["--seed"], type=int, default=1, show_default=True),
        click.Option(
            ["-o", "--output", "folder"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Write JSON, Markdown and a figure there.",
        ),
        click.Option(["--overwrite"], is_flag=True, help="Replace earlier results there."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print as JSON."),
    ]

    def run(**given: Any) -> None:
        folder: Path | None = given["folder"]
        if folder is not None and not given["overwrite"] and any((folder / name).exists() for name in RESULTS):
            raise OutputError(f"{folder} holds a benchmark already; give --overwrite or another folder")
        with Counter("benchmark", None) as progress:
            found = timed(
                plugin,
                models=given["models"],
                values=given_conditions(given),
                seconds=given["seconds"],
                cores=given["cores"] or (1,),
                seed=given["seed"],
                progress=progress.stage,
            )
        if folder is not None:
            found.write(folder)
        announce(found.to_markdown().rstrip(), found.to_json(), as_json=given["as_json"])

    return click.Command(
        plugin.name,
        callback=run,
        params=[*(_left_out(option) for option in condition_options(plugin.conditions)), *options],
        help=f"Time the surrogate and the reference simulator of {plugin.title or plugin.name} in one run.",
    )


def _left_out(option: click.Option) -> click.Option:
    option.help = (option.help or "").replace("; required unless a table or --prior gives it", "")
    return option


def timed(
    plugin: Plugin,
    *,
    models: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    seconds: float = 10.0,
    cores: Sequence[int] = (1,),
    seed: int = 1,
    rounds: int = 5,
    progress: Callable[[str], None] | None = None,
) -> Benchmark:
    """Race a plugin's reference against its released models.

    Parameters
    ----------
    plugin : Plugin
    models : sequence of str
        Recipes; all that are released where it is empty.
    values : mapping
        Conditions by name; the others are drawn from the prior.
    seconds, cores, rounds, seed, progress
        As for `surrogates.benchmarking.race`.

    Raises
    ------
    WeightsError
        No model is released.
    """
    from ..benchmarking import contenders, race

    notes = []
    try:
        sides = contenders(plugin.name, models=models or None)
    except SimulatorMissing as error:
        notes.append(f"no reference in this run: {error}")
        sides = contenders(plugin.name, models=models or None, reference=False)
    timed_models = [side.simulator for side in sides if side.name != "reference"]
    if not timed_models:
        raise WeightsError(
            f"{plugin.name}: no released weights to time; train them with `surrogates train {plugin.name}`"
        )
    given = dict(values or {})
    described = ", ".join(f"{name} {value}" for name, value in given.items())
    return race(
        plugin.name,
        sides,
        _conditions(plugin, timed_models[0].conditions, given, seed),
        seconds=seconds,
        cores=cores,
        rounds=rounds,
        seed=seed,
        described=f"{described}; the rest from the prior" if given else "conditions from the prior",
        notes=notes,
        progress=progress,
    )


def _conditions(
    plugin: Plugin, schema: Schema, given: Mapping[str, str], seed: int
) -> Callable[[int, int], xr.Dataset]:
    def conditions(n: int, first: int) -> xr.Dataset:
        drawn = plugin.prior(schema, n, seed)
        values = {str(name): drawn[name].values for name in drawn.data_vars if name in schema}
        return condition_dataset(schema, n=n, first=first, **{**values, **given})

    return conditions


benchmark_group = PluginCommands(
    "benchmark",
    make=_benchmark,
    short_help="Time surrogate and reference side by side in one run.",
    help="Time surrogate and reference in turns on the same cores; conditions from the prior, or as given.\n\n"
    "surrogates benchmark particle-events --energy 91.2GeV --seconds 10",
)
