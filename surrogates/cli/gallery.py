"""`surrogates gallery`: every released surrogate's pictures and figures as static pages, for a web server or a disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import registry
from ..contract.errors import SurrogatesError
from ..sampling import opening
from .demo import clear, say, shown_size
from .entry import CheckFailed
from .files import FILE

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..release.cards import Card
    from ..reporting.gallery import Entry
    from ..reporting.page import Section, Table

REFERENCE_SECONDS = 5.0
LEAST_BESIDE = 4
"""Reference samples below which a picture shows the surrogate alone."""
SEED = 1


@click.command("gallery")
@click.option("-o", "--out", type=FILE, default=Path("site"), show_default=True, help="Folder of the pages, made anew.")
@click.option("--plugin", "names", multiple=True, metavar="NAME", help="Only this plugin (may be repeated).")
@click.option(
    "--reference-seconds",
    type=click.FloatRange(0.0),
    default=REFERENCE_SECONDS,
    show_default=True,
    help="What each plugin's reference may take, by its card; a slower one is not drawn beside.",
)
def gallery_command(out: Path, names: tuple[str, ...], reference_seconds: float) -> None:
    """Write a page of pictures and figures for every installed simulator, and one that leads to them.

    surrogates gallery -o site/

    The pages are complete in themselves: they need no server and ask no other host for anything.
    """
    from ..reporting.gallery import Entry, write_index, write_page

    for name in names:
        registry.entry(name)
    clear(out)
    entries: list[Entry] = []
    for name in names or [entry.name for entry in registry.plugins()]:
        try:
            entry = write_page(out, *pictured(name, reference_seconds))
            entries.append(replace(entry, said=_said(registry.entry(name).cards()[0])))
        except (SurrogatesError, ImportError) as error:
            say(f"left out {error}")
            entries.append(Entry(name, "", missing=f"{error}"))
    index = write_index(out, entries)
    if all(entry.missing for entry in entries):
        say("no surrogate has released weights")
        raise CheckFailed
    print(index.resolve())


def pictured(name: str, reference_seconds: float) -> tuple[Plugin, list[Section]]:
    """One plugin with a section for each of its released models.

    Raises
    ------
    SurrogatesError
        No weights.
    """
    plugin, cards = registry.plugin(name), registry.entry(name).cards()
    if not cards:
        raise SurrogatesError(f"{name}: no released weights; train them with `surrogates train {name}`")
    return plugin, [_section(plugin, card, reference_seconds) for card in cards]


def _section(plugin: Plugin, card: Card, reference_seconds: float) -> Section:
    from ..release.headlines import headlines
    from ..reporting.page import Section

    name = f"{plugin.name}/{card.recipe}"
    surrogate = opening.load(plugin.name, model=card.recipe)
    n = shown_size(card)
    say(f"{name}: sampling and drawing {n:,}")
    asked = plugin.prior(surrogate.conditions, n, 2)[list(surrogate.conditions.names)]
    beside = _reference(plugin, asked, min(n, beside_size(card, reference_seconds)))
    samples = surrogate.sample(asked, seed=SEED)
    caption = f"{n:,} samples of {name}"
    if beside is not None:
        caption += f", and {beside.sizes['sample']:,} of the reference simulator at the same conditions"
    default = not card.position
    return Section(
        plugin=plugin,
        label=card.recipe,
        findings=card.findings,
        residuals={law: value for law, (value, _) in card.laws.items()},
        figures={caption: plugin.figure(samples, beside)},
        samples_attrs=samples.attrs,
        compared=f"Figures as measured for the card, {card.date}. {_kind(card)}",
        tiles=headlines(card).shown(),
        use=card.use,
        calls=_calls(plugin, card),
        tables=(_conditions(card.described(plugin)),) if default else (),
    )


def _said(card: Card) -> tuple[str, ...]:
    """What the index says of a plugin's default model, as far as it was measured."""
    from ..release.headlines import headlines

    found = headlines(card)
    met = (f"{found.met} of {found.asked} figures met",) if found.asked else ()
    speed = (f"{found.speed_up:,.3g} times the reference's speed",) if found.speed_up is not None else ()
    return met + speed


def _kind(card: Card) -> str:
    if card.baseline:
        return "A model of the literature, beside which the default is to be seen."
    return "" if card.position else "The model that is taken where none is named."


def beside_size(card: Card, seconds: float) -> int:
    """Reference samples that take `seconds` by the card's rate; 0 where it has none, or too few would be shown."""
    rate = next((speed.rate for speed in card.speed if speed.side == "reference"), 0.0)
    size = int(rate * seconds)
    return size if size >= LEAST_BESIDE else 0


def _reference(plugin: Plugin, asked: xr.Dataset, n: int) -> xr.Dataset | None:
    """The reference's samples at the first `n` conditions; None where it does not run here."""
    if plugin.reference is None or n < LEAST_BESIDE:
        return None
    try:
        return opening.reference(plugin.name).sample(asked.isel(sample=slice(n)), seed=SEED)
    except (SurrogatesError, ImportError) as error:
        say(f"{plugin.name}: drawn alone: {error}")
        return None


def _conditions(plugin: Plugin) -> Table:
    from ..reporting.page import Table

    rows: list[tuple[str, ...]] = []
    for kind, schema in (("asked", plugin.conditions), ("given", plugin.outputs)):
        for variable in schema:
            over = f" over ({', '.join(variable.dims)})" if variable.dims and not variable.text else ""
            accepted = variable.describe_range() if kind == "asked" else ""
            left_out = "; may be left out" if variable.optional and accepted else ""
            units = "" if variable.units == "1" else variable.units
            rows.append((variable.name, kind, f"{variable.long_name}{over}", units, f"{accepted}{left_out}"))
    return Table(
        "What is asked and given", ("variable", "", "what it is", "units", "range"), tuple(rows), numbers=False
    )


def _calls(plugin: Plugin, card: Card) -> tuple[str, ...]:
    """The same samples in Python and on the command line."""
    model = f', model="{card.recipe}"' if card.position else ""
    flag = f" --model {card.recipe}" if card.position else ""
    n = shown_size(card)
    python = (
        f'import surrogates\nfrom surrogates import registry\n\nsimulator = surrogates.load("{plugin.name}"{model})\n'
        f'conditions = registry.plugin("{plugin.name}").prior(simulator.conditions, {n}, 2)\n'
        f"samples = simulator.sample(conditions, seed={SEED})"
    )
    return python, f"surrogates generate {plugin.name}{flag} -n {n} --prior --seed {SEED} -o {plugin.name}.nc"
