"""`surrogates generate` and `surrogates reference`: one command a plugin, its conditions as options."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..contract.errors import SurrogatesError
from ..contract.remarks import Heard
from ..counting import Counter
from ..release.cards import Card
from ..release.made import CARD
from ..reporting.page import PICTURES
from ..sampling import opening
from ..sampling.jobs import Job
from ..sampling.runs import Summary, write
from .batch import Cores, PartSize, Share
from .conditions import PREFIX, asked, condition_options, given_conditions
from .entry import completed_names
from .output import announce

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..contract.plugin import Plugin
    from ..contract.schema import Schema

BLOCKS_OF_REFERENCE = 1024
PART, PART_OF_REFERENCE = 1 << 16, 4 * BLOCKS_OF_REFERENCE
"""Samples in each part of a folder, where nothing else is asked."""


class PluginCommands(click.Group):
    """One command for each installed plugin, made from its schema when it is asked for."""

    def __init__(self, *arguments: Any, make: Callable[[Plugin, Schema], click.Command], **options: Any) -> None:
        super().__init__(*arguments, subcommand_metavar="NAME [OPTIONS]", **options)
        self._make = make
        self._words: list[str] = []

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [entry.name for entry in registry.plugins()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        plugin = registry.plugin(cmd_name)
        model, weights = (_word(self._words, option) for option in ("--model", "--weights"))
        return self._make(plugin, asked_conditions(plugin, model, weights))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return completed_names(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        self._words = args
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Plugins (each has its own --help)"):
            formatter.write_dl([(entry.name, f"from {entry.package}") for entry in registry.plugins()])


def _shared_options(plugin: Plugin, *, part_size: int) -> list[click.Option]:
    native = "".join(f", {suffix}" for entry in plugin.formats for suffix in entry.suffixes)
    streamed = "".join(f"; - for {entry.name} on stdout" for entry in plugin.formats if entry.streams)
    alone = [entry.name for entry in plugin.formats if entry.one_sample_a_file]
    single = f"; into a folder {' or '.join(alone)}, one file a sample" if alone else ""
    drawn = ", ".join(suffix for suffix in PICTURES if suffix not in native.split(", "))
    drawn = " or ".join(drawn.rsplit(", ", 1))
    path = click.Path(path_type=Path)
    return [
        click.Option(
            ["-n", "n"], type=int, metavar="N", help="Samples in all; with --conditions, for each row of the table."
        ),
        click.Option(
            ["-o", "--output", "output"],
            required=True,
            metavar="PATH",
            help=f"A file, its format by suffix (.nc, .h5{native}); a folder (ends in /) for shards{streamed}; "
            f"{drawn} for the figure of the samples instead.",
        ),
        click.Option(["--format", "format_name"], metavar="NAME", help=f"Format, in place of the suffix's{single}."),
        click.Option(["--seed"], type=int, default=0, show_default=True, help="Equal seeds give equal samples."),
        click.Option(
            ["--conditions", "table"],
            type=path,
            metavar="TABLE",
            help="CSV with a column a condition (`energy [GeV]`) and perhaps `n`; or NetCDF or HDF5.",
        ),
        click.Option(
            ["--keep"],
            metavar="COLUMN,…",
            help="Columns of the table that are no conditions and come along to NetCDF, HDF5 or CSV; `all` for all.",
        ),
        click.Option(
            ["--prior"], is_flag=True, help="Draw the conditions from the plugin's prior; those given as options hold."
        ),
        click.Option(["--first"], type=int, default=0, help="Identity of the first sample."),
        click.Option(
            ["--workers"], type=Cores(), default=1, show_default=True, help="Processes; `auto` for one a usable core."
        ),
        click.Option(
            ["--scheduler"],
            metavar="ADDRESS",
            help="Have the parts of a folder written by a Dask cluster: tcp://HOST:PORT, tls://…, or a scheduler file.",
        ),
        click.Option(["--block"], type=click.IntRange(min=1), help="Samples in memory at a time."),
        click.Option(
            ["--shard"],
            type=Share(),
            metavar="i/n",
            help="Make the i-th of n shares: several machines fill one folder, or a file each; `slurm` for that of a "
            "task of an array job.",
        ),
        click.Option(
            ["--part-size"],
            type=PartSize(),
            help=f"Samples in each part of a folder, whole batches; {part_size:,} or a little more by default. Or its "
            "bytes at the least, e.g. 256MB: samples of the run are measured.",
        ),
        click.Option(["--compression"], type=click.Choice(["none", "zstd", "gzip"]), help="Of NetCDF and HDF5 files."),
        click.Option(["--overwrite"], is_flag=True, help="Replace what is there."),
        click.Option(["--resume"], is_flag=True, help="Continue an interrupted run into a folder."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print a JSON summary."),
    ]


def _generate(plugin: Plugin, schema: Schema) -> click.Command:
    options = [
        click.Option(["--model"], metavar="RECIPE", help=f"One of {', '.join(plugin.recipes)}; the first by default."),
        click.Option(
            ["--weights"],
            type=click.Path(path_type=Path),
            help="In place of the released weights: a .safetensors file, or a run's folder (its newest checkpoint).",
        ),
        click.Option(["--device"], default="cpu", show_default=True, help="Torch device, e.g. cuda."),
        click.Option(["--threads"], type=Cores(), default=1, show_default=True, help="Torch threads; or `auto`."),
        click.Option(
            ["--fallback"],
            type=click.Choice(["reference"]),
            help="Simulate what is out of range with the reference, and mark it.",
        ),
        click.Option(["--extrapolate"], is_flag=True, help="Allow what is out of range, and mark it."),
        click.Option(
            ["--reweight"], is_flag=True, help="Give every sample a `weight`, see `surrogates train --reweight`."
        ),
        click.Option(
            ["--candidates"],
            type=int,
            metavar="K",
            help="Choose each sample from K by their weights, at K times the cost.",
        ),
    ]

    def run(**given: Any) -> None:
        simulator = opening.load(
            plugin.name,
            model=given["model"],
            weights=given["weights"],
            device=given["device"],
            threads=given["threads"],
            extrapolate=given["extrapolate"],
            fallback=given["fallback"],
        )
        if given["reweight"] and given["candidates"] is not None:
            raise click.UsageError("--reweight is given with --candidates; samples that are chosen count alike")
        if given["reweight"] or given["candidates"] is not None:
            simulator = simulator.using(reweight=True, candidates=given["candidates"] or 0)
        _sample(simulator.plugin, simulator, given, block=given["block"], part_size=PART)

    return click.Command(
        plugin.name,
        callback=run,
        params=[*condition_options(schema), *_shared_options(plugin, part_size=PART), *options],
        help=f"Draw samples from the surrogate of {plugin.title or plugin.name}.",
    )


def _reference(plugin: Plugin, schema: Schema) -> click.Command:
    def run(**given: Any) -> None:
        block = given["block"] or BLOCKS_OF_REFERENCE
        _sample(plugin, opening.reference(plugin.name), given, block=block, part_size=PART_OF_REFERENCE)

    return click.Command(
        plugin.name,
        callback=run,
        params=[*condition_options(plugin.conditions), *_shared_options(plugin, part_size=PART_OF_REFERENCE)],
        help=f"Draw samples from the reference simulator of {plugin.title or plugin.name}.",
    )


def asked_conditions(plugin: Plugin, model: str | None, weights: str | None) -> Schema:
    """The conditions as the weights that will be opened saw them; as declared where those have no card that reads."""
    try:
        if weights is not None:
            cards = [Card.read(card_file(Path(weights)))]
        else:
            wanted = model or next(iter(plugin.recipes), "")
            cards = [card for card in registry.entry(plugin.name).cards() if card.recipe == wanted]
        return cards[0].described(plugin).conditions.narrowed(cards[0].trained_range)
    except (SurrogatesError, OSError, IndexError):
        return plugin.conditions


def card_file(weights: Path) -> Path:
    """The card of a weights file or of a run's folder."""
    return weights / CARD if weights.is_dir() else weights.with_suffix(".json")


def _word(words: list[str], option: str) -> str | None:
    """What follows an option among the words of a call, before they are parsed."""
    for word, following in zip_longest(words, words[1:]):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _sample(plugin: Plugin, simulator: Any, given: dict[str, Any], *, block: int | None, part_size: int) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    what, values = asked(
        plugin,
        simulator.conditions,
        given,
        n=given["n"],
        table=given["table"],
        prior=given["prior"],
        seed=given["seed"],
        first=given["first"],
        keep=tuple(name.strip() for name in given["keep"].split(",") if name.strip()) if given["keep"] else (),
    )
    job = Job(
        plugin=plugin,
        simulator=simulator,
        what=what,
        values=values,
        seed=given["seed"],
        first=given["first"],
        block=block,
        workers=given["workers"],
        scheduler=chosen_scheduler(given["scheduler"], given["workers"]),
        shard=given["shard"] or (1, 1),
    )
    output, batch = given["output"], simulator.batch
    suffix = Path(output).suffix.lower()
    own = any(suffix in entry.suffixes for entry in plugin.formats)
    is_folder = output.endswith(("/", "\\")) or output != "-" and Path(output).is_dir()
    if given["part_size"] is not None and not is_folder:
        raise click.UsageError(f"--part-size: {output} is one file; give a folder (out/), whose parts it cuts")
    if suffix in PICTURES and not own and not is_folder and given["format_name"] is None:
        for option in ("scheduler", "resume", "compression"):
            if given[option]:
                raise click.UsageError(f"--{option}: {output} is a figure; give a file of samples or a folder (out/)")
        summary = _draw(job, Path(output), overwrite=given["overwrite"])
        return _report(plugin, summary, given, wall=time.perf_counter() - start, cpu=time.process_time() - cpu)
    with Counter(plugin.name, job.share_size) as progress:
        summary = write(
            job,
            given["output"],
            format_name=given["format_name"],
            part_size=given["part_size"] or -(-part_size // batch) * batch,
            compression=given["compression"],
            overwrite=given["overwrite"],
            resume=given["resume"],
            progress=progress,
        )
    _report(plugin, summary, given, wall=time.perf_counter() - start, cpu=time.process_time() - cpu)


def _draw(job: Job, output: Path, *, overwrite: bool) -> Summary:
    """The plugin's figure of the samples, in place of the samples."""
    from ..io import OutputError, concatenate
    from ..reporting.page import write_figure

    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or give --overwrite")
    summary = Summary(job.plugin.name, heard=Heard(job.plugin.remarks))
    with Counter(job.plugin.name, job.share_size) as progress:
        samples = concatenate(summary.watch(job.blocks(*job.share), progress))
        if not samples.sizes["sample"]:
            raise OutputError(f"{output}: no samples to draw; ask for one or more")
        write_figure(job.plugin.figure(samples), output)
    return summary


def chosen_scheduler(address: str | None, workers: int) -> str | None:
    """The address, unless processes of this machine are asked for too."""
    if address is not None and workers > 1:
        raise click.UsageError("--scheduler and --workers both say who samples; choose one")
    return address


def _report(plugin: Plugin, summary: Summary, given: dict[str, Any], *, wall: float, cpu: float) -> None:
    facts = {
        "plugin": summary.plugin,
        "samples": summary.samples,
        "output": given["output"],
        "seed": given["seed"],
        "conditions": given_conditions({name: value for name, value in given.items() if name.startswith(PREFIX)}),
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "residuals": summary.residuals,
        "source": summary.sources,
        "remarks": list(summary.heard.lines()),
        **({"totals": summary.totals} if summary.totals else {}),
    }
    text = f"{given['output']}: {summary.samples:,} samples of {summary.plugin} in {wall:.1f} s"
    marked = {label: count for label, count in summary.sources.items() if label != "surrogate" and count}
    text += "".join(f", {count:,} {label}" for label, count in marked.items())
    for line in summary.heard.lines():
        warnings.warn(line, stacklevel=2)
    for name, total in summary.totals.items():
        variable = plugin.outputs[name]
        text += f"\n  {variable.long_name}, in all: {total:.2f} {variable.units}"
    announce(text, facts, as_json=given["as_json"], stream=sys.stderr if given["output"] == "-" else sys.stdout)


generate_group = PluginCommands(
    "generate",
    make=_generate,
    short_help="Draw samples from a surrogate.",
    help="Draw samples from a surrogate. Conditions are options made from the plugin's schema.\n\n"
    "surrogates generate particle-events -n 10000 --energy 91.2GeV --seed 1 -o events.hepmc3",
)
reference_group = PluginCommands(
    "reference",
    make=_reference,
    short_help="Draw samples from the reference simulator.",
    help="Draw samples from the reference simulator, with the same call as `generate`.\n\n"
    "surrogates reference particle-events -n 10000 --energy 91.2GeV --seed 2 -o reference.nc",
)
