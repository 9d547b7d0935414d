"""`surrogates card`: released weights measured on test sets, the figures put on their card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..counting import Counter
from ..io import FileFormatError
from ..release.cards import Card
from ..reporting.held_out import HELD_OUT_SEED, asked_at
from ..reporting.measured import TestSet, measured_card, timings
from ..reporting.reweighting import told
from ..sampling import opening
from ..sampling.files import read_whole
from .files import FILE
from .output import announce

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin


@click.command("card")
@click.argument("name")
@click.option("--model", metavar="RECIPE", help="Recipe; the plugin's first by default.")
@click.option("--weights", type=FILE, help="A .safetensors file in place of the released weights.")
@click.option(
    "--truth", type=FILE, metavar="FILE", help="The reference's samples; the plugin's held-out truth without it."
)
@click.option("--second", type=FILE, metavar="FILE", help="An independent truth, for the floors.")
@click.option("--training", type=FILE, metavar="FILE", help="What the weights were trained on, for memorisation.")
@click.option(
    "--section", "sections", multiple=True, metavar="LABEL=TRUTH[,SECOND]", help="More figures, led by LABEL."
)
@click.option("--plain", multiple=True, metavar="LABEL", help="A section without classifiers and impostors.")
@click.option(
    "--candidates",
    type=click.IntRange(min=2),
    metavar="K",
    help="The figures again, led by `reweighted`, with each sample chosen from K by weight.",
)
@click.option("--impostors", type=FILE, metavar="CARD", help="A card whose impostors met the same truths.")
@click.option("--speed", type=FILE, metavar="JSON", help="Timings, from `surrogates benchmark -o`.")
@click.option("--note", "notes", multiple=True, metavar="TEXT", help="A line for the card.")
@click.option("-n", "n", type=click.IntRange(min=4), help="Samples of the held-out truth.")
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--quick", is_flag=True, help="Train no classifiers.")
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def card_command(
    name: str,
    model: str | None,
    weights: Path | None,
    truth: Path | None,
    second: Path | None,
    training: Path | None,
    sections: tuple[str, ...],
    plain: tuple[str, ...],
    candidates: int | None,
    impostors: Path | None,
    speed: Path | None,
    notes: tuple[str, ...],
    n: int | None,
    seed: int,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure weights of plugin NAME on test sets and write the figures, with their floors, on the weights' card.

    The surrogate is sampled at each truth's own conditions. A figure that has no target of its own is not asked for
    anything.

    surrogates card particle-events --truth truth.nc --second second.nc --section held-out=new.nc,more.nc
    """
    if second is not None and truth is None:
        raise click.UsageError("--second is given without --truth")
    surrogate = opening.load(name, model=model, weights=weights, extrapolate=True)
    plugin = surrogate.plugin
    sets = [_held_out(plugin, n, seed) if truth is None else _read(plugin, truth, second, "", True)]
    for section in sections:
        label, sign, files = section.partition("=")
        if not sign or not label or not files:
            raise click.UsageError(f"--section: {section!r}; expected LABEL=TRUTH[,SECOND]")
        first, _, other = files.partition(",")
        sets.append(_read(plugin, Path(first), Path(other) if other else None, label, label not in plain))
    if candidates is not None:
        notes = (*notes, *told(surrogate.using(candidates=candidates).reweighting.card))  # type: ignore[union-attr]
        sets.append(replace(sets[0], label="reweighted", candidates=candidates))
    known = Card.read(impostors).baselines if impostors else None
    times = timings(speed) if speed else ()
    pool = read_whole(training, plugin) if training else None
    with Counter("card", None) as progress:
        card = measured_card(
            surrogate,
            sets,
            training=pool,
            baselines=known,
            speed=times,
            notes=notes,
            seed=seed,
            classifiers=not quick,
            progress=progress.stage,
        )
    path = surrogate.path.with_suffix(".json")
    card.write(path)
    lines = [f"{path}: {len(card.findings)} figures, {len(card.unmet)} not met"]
    lines += [f"  {item.name}: {item.value:.4g}, floor {item.floor}, limit {item.limit}" for item in card.unmet]
    announce("\n".join(lines), card.to_json(), as_json=as_json)


def _held_out(plugin: Plugin, n: int | None, seed: int) -> TestSet:
    size = n or asked_at(plugin)
    first, second = (plugin.truth(size, seed + HELD_OUT_SEED + turn) for turn in range(2))
    return TestSet(first, second if plugin.stochastic else None)


def _read(plugin: Plugin, truth: Path, second: Path | None, label: str, whole: bool) -> TestSet:
    first = _samples(plugin, truth)
    return TestSet(first, _samples(plugin, second) if second is not None else None, label, whole)


def _samples(plugin: Plugin, path: Path) -> xr.Dataset:
    found = read_whole(path, plugin)
    missing = [name for name in plugin.outputs.names if name not in found]
    if missing:
        raise FileFormatError(f"{path}: the variable {missing[0]} is missing; expected samples of {plugin.name}")
    return found
