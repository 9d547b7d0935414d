"""`surrogates train`: data, training, weights and their card in one command; an interrupted run goes on."""

from __future__ import annotations

from pathlib import Path

import click

from .. import registry
from ..contract.errors import PluginError
from ..contract.schema import nearest
from ..io import OutputError
from .files import FILE
from .output import announce


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
    changed: tuple[str, ...],
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

    from ..release.made import new_card
    from ..release.weights import save_release
    from ..training.train import train, trained

    folder.mkdir(parents=True, exist_ok=True)
    train(
        plugin,
        recipe,
        folder,
        data=data,
        options=options,
        seed=seed,
        device=device,
        precision=precision,
        devices=devices,
        checkpoint_minutes=minutes,
        threads=threads,
    )
    network, codec = trained(plugin, recipe, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    card = new_card(plugin, recipe, data=data, run=folder, seed=seed, partners=partners, options=options)
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


def _options(changed: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in changed]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise click.UsageError(f"--set: {name!r} is no option with a value; expected NAME=VALUE")
    return {name.replace("-", "_"): value for name, _, value in pairs}
