"""`surrogates train`: data, training, weights and their card in one command; an interrupted run goes on."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .. import registry
from ..contract.errors import PluginError
from ..contract.schema import nearest
from ..io import OutputError
from .batch import Cores
from .files import FILE
from .output import announce

if TYPE_CHECKING:
    from ..contract.plugin import Plugin


class Duration(click.ParamType):
    """A time with its unit, in seconds: ``90s``, ``30min``, ``2h``."""

    name = "TIME"
    _SECONDS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|m|h)\s*", str(value))
        if found is None or float(found[1]) == 0.0:
            self.fail(f"{value!r} is no time; expected a number above 0 with its unit: 90s, 30min or 2h", param, ctx)
        return float(found[1]) * self._SECONDS[found[2]]


class WithLayouts(click.Command):
    """A command whose help ends with what `--data` takes, recipe by recipe, read off the installed plugins."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for plugin in registry.every_plugin():
            layouts: dict[str, list[str]] = {}
            for key, recipe in plugin.recipes.items():
                if recipe.layout:
                    layouts.setdefault(recipe.layout, []).append(key)
            rows += [(f"{plugin.name} ({', '.join(keys)})", layout) for layout, keys in layouts.items()]
        rows.append(("any other", "an HDF5 file with a variable each along its first axis, in the schema's units"))
        with formatter.section("What --data takes"):
            formatter.write_dl(rows, col_max=24)


@click.command("train", cls=WithLayouts)
@click.argument("name")
@click.option("--model", metavar="RECIPE", help="The recipe to train; the plugin's first by default.")
@click.option(
    "--data",
    type=FILE,
    metavar="PATH",
    help="Your own training data, see below; it is only read. Simulated otherwise.",
)
@click.option(
    "--run",
    "run_dir",
    type=FILE,
    metavar="DIR",
    help="Checkpoint, log and figures [default: runs/NAME-RECIPE]; a run that is there goes on.",
)
@click.option(
    "--set",
    "changed",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the recipe in place of its default; `surrogates info NAME` lists them. May be repeated.",
)
@click.option("--release", is_flag=True, help="Put the weights and the card where `surrogates.load` finds them.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes, one a device; torchrun's own number counts.",
)
@click.option(
    "--precision", type=click.Choice(["32-true", "bf16-mixed", "64-true"]), default="32-true", show_default=True
)
@click.option(
    "--updates",
    type=click.IntRange(min=1),
    help="Updates of the whole training, phases shortened alike; the recipe's own number otherwise.",
)
@click.option(
    "--time-limit",
    type=Duration(),
    help="Stop after so long (90s, 30min, 2h) and write what is there; the same command goes on.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.0, min_open=True),
    default=2.0,
    show_default=True,
    help="Between checkpoints.",
)
@click.option("--threads", type=Cores(), default=1, show_default=True, help="Torch threads of each process; or `auto`.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--stored",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Precision of the weights on disk.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have the training data simulated by a Dask cluster (tcp://HOST:PORT, tls://…, or a scheduler file), where "
    "the recipe makes them part by part; the updates are made here.",
)
@click.option("--overwrite", is_flag=True, help="With --release or --reweight: replace what is there.")
@click.option(
    "--reweight",
    is_flag=True,
    help="Train no recipe: fit weights of the released surrogate's samples, by a classifier that tells them from the "
    "reference's, for `generate --reweight` and `--candidates`.",
)
@click.option(
    "--truth", type=FILE, metavar="FILE", help="With --reweight: samples of the reference; drawn now otherwise."
)
@click.option(
    "-n", "n", type=click.IntRange(min=400), default=20_000, show_default=True, help="With --reweight: samples drawn."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def train_command(
    name: str,
    model: str | None,
    data: Path | None,
    run_dir: Path | None,
    changed: tuple[str, ...],
    release: bool,
    device: str,
    devices: int,
    precision: str,
    updates: int | None,
    time_limit: float | None,
    minutes: float,
    threads: int,
    seed: int,
    stored: str,
    scheduler: str | None,
    overwrite: bool,
    reweight: bool,
    truth: Path | None,
    n: int,
    as_json: bool,
) -> None:
    """Train a recipe of plugin NAME: data, training, then weights and card.

    surrogates train particle-events --release

    While it trains, `surrogates generate NAME --weights RUN` samples its newest checkpoint.
    """
    plugin = registry.plugin(name)
    if scheduler is not None and (reweight or data is not None):
        raise click.UsageError("--scheduler simulates training data; leave it out with --data and with --reweight")
    _refuse_ignored(reweight)
    if reweight:
        return _reweight(name, model, truth, n=n, seed=seed, overwrite=overwrite, as_json=as_json)
    recipe = _default(plugin, data) if model is None else model
    if recipe not in plugin.recipes:
        known = ", ".join(plugin.recipes)
        raise PluginError(
            f"model: {recipe!r} is no recipe of {name}; expected {known}{nearest(recipe, plugin.recipes)}"
        )
    options = _options(changed)
    chosen = plugin.recipes[recipe].using(**options)
    partners = [registry.plugin(partner) for partner in chosen.serves]
    for partner in partners:
        if recipe not in partner.recipes:
            raise PluginError(f"{name}: recipe {recipe!r} serves {partner.name}, which has no recipe of that name")
    folder = run_dir or Path("runs") / f"{name}-{recipe}"
    target = (registry.entry(name).weights if release else folder) / f"{recipe}.safetensors"
    if release and target.exists() and not overwrite:
        raise OutputError(f"{target} exists already; give --overwrite to replace released weights")

    from ..release.cards import Card
    from ..release.made import CARD, UNFINISHED, new_card, weights_of
    from ..release.weights import copy_release
    from ..training.train import train

    def begun() -> None:
        card = new_card(plugin, recipe, data=data, run=folder, seed=seed, partners=partners, options=options)
        card.write(folder / CARD)

    def ended() -> None:
        made = weights_of(plugin, folder, stored=stored)
        if release:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_release(made, target)
        card = Card.read(target.with_suffix(".json"))
        facts = {
            "plugin": name,
            "recipe": recipe,
            "weights": str(target),
            "sha256": card.sha256,
            "parameters": card.parameters,
            "run": str(folder),
        }
        unfinished = [note for note in card.notes if note.startswith(UNFINISHED)]
        text = f"{target}: {card.parameters:,} parameters, sha256 {card.sha256[:16]}…"
        announce("; ".join((text, *unfinished)), {**facts, "notes": list(card.notes)}, as_json=as_json)

    folder.mkdir(parents=True, exist_ok=True)
    with _simulating(scheduler, plugin) as simulated:

        def ready() -> None:
            simulated()
            begun()

        train(
            plugin,
            recipe,
            folder,
            data=data,
            options=options,
            updates=updates,
            seed=seed,
            device=device,
            precision=precision,
            devices=devices,
            checkpoint_minutes=minutes,
            threads=threads,
            seconds=math.inf if time_limit is None else time_limit,
            begun=ready,
            ended=ended,
        )


OF_WEIGHTS = ("truth", "n")
OF_TRAINING = (
    "data", "run_dir", "changed", "release", "device", "devices", "precision", "updates", "time_limit", "minutes",
    "threads", "stored",
)  # fmt: skip
"""Options that are heeded with --reweight alone, and without it alone."""


def _refuse_ignored(reweight: bool) -> None:
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in (OF_TRAINING if reweight else OF_WEIGHTS):
            how = "trains a recipe; leave it out with" if reweight else "is of weights of samples; give it with"
            raise click.UsageError(f"{parameter.opts[0]} {how} --reweight")


@contextmanager
def _simulating(scheduler: str | None, plugin: Plugin) -> Iterator[Callable[[], None]]:
    """What to call once the data are there: it warns where a scheduler had nothing to do."""
    if scheduler is None:
        yield lambda: None
        return
    from ..sampling.training_parts import simulated_by

    with simulated_by(scheduler, plugin) as made:

        def tell() -> None:
            if made.parts:
                click.echo(f"parts of the training data that the workers made: {made.parts}", err=True)
            else:
                warnings.warn(
                    "--scheduler: no part of the training data was left for its workers to make", stacklevel=2
                )

        yield tell


def _reweight(
    name: str, model: str | None, truth: Path | None, *, n: int, seed: int, overwrite: bool, as_json: bool
) -> None:
    """Fit weights of samples and put them beside the surrogate's own weights."""
    from dataclasses import asdict

    from ..counting import Counter
    from ..release.ratios import ratio_file, save_ratio
    from ..reporting.held_out import HELD_OUT_SEED
    from ..reporting.reweighting import fitted_ratio, told
    from ..sampling import opening
    from ..sampling.files import read_whole

    surrogate = opening.load(name, model=model, extrapolate=True)
    path = ratio_file(surrogate.path)
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; give --overwrite to replace it")
    if truth is None and surrogate.plugin.reference is None:
        raise click.UsageError(
            f"--truth: not given, and {name} has no simulator to draw from; expected a file of samples that neither "
            "training nor the figures of a card have seen"
        )
    with Counter("reweighting", None) as progress:
        progress.stage("samples of the reference")
        known = read_whole(truth, surrogate.plugin) if truth else surrogate.plugin.truth(n, seed + 2 * HELD_OUT_SEED)
        ratio, card = fitted_ratio(surrogate, known, seed=seed, progress=progress.stage)
    save_ratio(ratio, card, path, overwrite=overwrite)
    announce("\n  ".join((str(path), *told(card))), {"weights": str(path), **asdict(card)}, as_json=as_json)


def _default(plugin: Plugin, data: Path | None) -> str:
    """The plugin's first recipe; where that reads no data of a user's, the first that reads what is given."""
    first = next(iter(plugin.recipes))
    if data is None or plugin.recipes[first].learns is not None:
        return first
    folder, suffix = data.is_dir(), data.suffix.lower()
    reading = {key: one for key, one in plugin.recipes.items() if one.learns is not None}
    fitting = [key for key, one in reading.items() if (one.folders if folder else suffix in one.reads)]
    return fitting[0] if fitting else first


def _options(changed: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in changed]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise click.UsageError(f"--set: {name!r} is no option with a value; expected NAME=VALUE")
    return {name.replace("-", "_"): value for name, _, value in pairs}
