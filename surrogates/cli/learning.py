"""`surrogates train`: data, training, weights and their card in one command; an interrupted run goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..errors import PluginError
from ..io import OutputError
from ..schema import nearest
from .files import FILE
from .output import announce

if TYPE_CHECKING:
    from ..cards import Card
    from ..plugin import Plugin

NARROWED_BELOW = 0.98
"""A condition whose data cover less than this share of its declared range narrows the trained range."""


@click.command("train")
@click.argument("name")
@click.option("--model", metavar="RECIPE", help="The recipe to train; the plugin's first by default.")
@click.option(
    "--data",
    type=FILE,
    metavar="PATH",
    help="An HDF5 file of training samples, or a folder that the recipe reads; simulated otherwise.",
)
@click.option(
    "--run",
    "run_dir",
    type=FILE,
    metavar="DIR",
    help="Checkpoint, log and figures [default: runs/NAME-RECIPE]; a run that is there goes on.",
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
@click.option("--minutes", type=float, default=2.0, show_default=True, help="Between checkpoints.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Torch threads of each process."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--stored",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Precision of the weights on disk.",
)
@click.option("--overwrite", is_flag=True, help="With --release: replace released weights.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def train_command(
    name: str,
    model: str | None,
    data: Path | None,
    run_dir: Path | None,
    release: bool,
    device: str,
    devices: int,
    precision: str,
    minutes: float,
    threads: int,
    seed: int,
    stored: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a recipe of plugin NAME: data, training, then weights and card.

    surrogates train particle-events --release
    """
    plugin = registry.plugin(name)
    recipe = next(iter(plugin.recipes)) if model is None else model
    if recipe not in plugin.recipes:
        known = ", ".join(plugin.recipes)
        raise PluginError(
            f"model: {recipe!r} is no recipe of {name}; expected {known}{nearest(recipe, plugin.recipes)}"
        )
    folder = run_dir or Path("runs") / f"{name}-{recipe}"
    target = (registry.entry(name).weights if release else folder) / f"{recipe}.safetensors"
    if release and target.exists() and not overwrite:
        raise OutputError(f"{target} exists already; give --overwrite to replace released weights")

    from ..training import train, trained
    from ..weights import save_release

    folder.mkdir(parents=True, exist_ok=True)
    train(
        plugin,
        recipe,
        folder,
        data=data,
        seed=seed,
        device=device,
        precision=precision,
        devices=devices,
        checkpoint_minutes=minutes,
        threads=threads,
    )
    network, codec = trained(plugin, recipe, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    card = new_card(plugin, recipe, data=data, run=folder, seed=seed)
    card = save_release(network, codec, card, target, stored=stored)
    facts = {
        "plugin": name,
        "recipe": recipe,
        "weights": str(target),
        "sha256": card.sha256,
        "parameters": card.parameters,
        "run": str(folder),
    }
    announce(f"{target}: {card.parameters:,} parameters, sha256 {card.sha256[:16]}…", facts, as_json=as_json)


def new_card(plugin: Plugin, recipe: str, *, data: Path | None, run: Path, seed: int) -> Card:
    """The card of weights that were just trained in `run`: what they are and come from, no figure measured yet."""
    from ..cards import Card
    from ..training import simulated, training_pools

    packages = ("surrogates", "torch", "numpy", plugin.reference_package)
    pools = training_pools(plugin, plugin.recipes[recipe], simulated(run) if data is None else data)
    simulates = data is None and plugin.reference is not None
    simulated_by = f"{plugin.reference_package or plugin.name} samples, simulated by the recipe"
    ranges = declared_range(plugin) if simulates else trained_range(plugin, [pool.conditions for pool in pools])
    return Card(
        plugin=plugin.name,
        recipe=recipe,
        title=plugin.title,
        trained_range=ranges,
        unseen=unseen(plugin, [pool.conditions for pool in pools], plugin.recipes[recipe].derives),
        training_data=f"samples from {data.name}" if data else plugin.recipes[recipe].source or simulated_by,
        training_samples=sum(len(pool) for pool in pools),
        hardware=_processor(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        seed=seed,
        packages={package: registry.package_version(package) for package in packages if package},
        anchors=plugin.anchors,
        notes=("no figure has been measured on these weights yet",),
    )


def declared_range(plugin: Plugin) -> dict[str, tuple[float, float]]:
    """The declared bounds of the numeric conditions."""
    return {variable.name: variable.bounds for variable in plugin.conditions if variable.bounds is not None}


def trained_range(plugin: Plugin, pools: list[Any]) -> dict[str, tuple[float, float]]:
    """The declared bounds, narrowed where the training data cover clearly less of them."""
    ranges = declared_range(plugin)
    for name, (low, high) in ranges.items():
        values = [pool[name] for pool in pools if name in pool]
        values = [value[~value.isnan()] for value in values if value.is_floating_point()]
        found = [(float(value.min()), float(value.max())) for value in values if len(value)]
        if found:
            least, most = min(pair[0] for pair in found), max(pair[1] for pair in found)
            slack = (1.0 - NARROWED_BELOW) * (high - low)
            ranges[name] = (low if least - low <= slack else least, high if high - most <= slack else most)
    return ranges


def unseen(plugin: Plugin, pools: list[Any], derived: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Optional conditions that no training sample has, where the samples stand under conditions at all."""
    if not any(pools) or plugin.complete is not None:
        return ()
    asked = [variable for variable in plugin.conditions if variable.optional and variable.name not in derived]
    return tuple(
        variable.name for variable in asked if not any(_there(pool.get(variable.name), variable.text) for pool in pools)
    )


def _there(values: Any, text: bool) -> bool:
    """Whether any row has a value: a number, a class, or text that is not empty."""
    if values is None:
        return False
    if values.is_floating_point():
        return bool((~values.isnan()).any())
    return bool((values > 0).any() if text else (values >= 0).any())


def _processor() -> str:
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
