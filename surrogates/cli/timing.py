"""`surrogates benchmark`: reference and surrogate in turns, in one run, on the same cores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..counting import Counter
from ..io import OutputError
from ..timing.race import timed
from .conditions import condition_options, given_conditions, read_fields
from .generation import PluginCommands
from .output import announce

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..contract.schema import Schema

RESULTS = ("benchmark.json", "benchmark.md", "benchmark.png")


def _benchmark(plugin: Plugin, schema: Schema) -> click.Command:
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
                values=read_fields(plugin, schema, given_conditions(given)),
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
        params=[*(_left_out(option) for option in condition_options(schema)), *options],
        help=f"Time the surrogate and the reference simulator of {plugin.title or plugin.name} in one run.",
    )


def _left_out(option: click.Option) -> click.Option:
    option.help = (option.help or "").replace("; required unless a table or --prior gives it", "")
    return option


benchmark_group = PluginCommands(
    "benchmark",
    make=_benchmark,
    short_help="Time surrogate and reference side by side in one run.",
    help="Time surrogate and reference in turns on the same cores; conditions from the prior, or as given.\n\n"
    "surrogates benchmark particle-events --energy 91.2GeV --seconds 10",
)
