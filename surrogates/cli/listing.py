"""`surrogates list` and `surrogates info`: what is installed, read from entry points and cards."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..release.headlines import headlines
from .output import announce, columns

if TYPE_CHECKING:
    from ..contract.findings import Finding, Target
    from ..contract.plugin import Plugin
    from ..contract.schema import Schema, Variable
    from ..release.cards import Card


TITLE, WIDTH, UNMET = 64, 100, 6
"""Characters of a title in the list and of a line of text; figures not met that `info` shows of a model."""


@click.command("list")
@click.option(
    "--all", "every", is_flag=True, help="Every model, those of the literature too; else each plugin's default."
)
@click.option("--json", "as_json", is_flag=True, help="Print every model as JSON.")
def list_command(every: bool, as_json: bool) -> None:
    """The installed plugins, how near their surrogates come to the reference, and how much faster they are."""
    cards = registry.every_card()
    entries = registry.plugins()
    facts = [
        {"name": entry.name, "package": entry.package, "models": [_card_summary(card) for card in cards[entry.name]]}
        for entry in entries
    ]
    rows = []
    for entry in entries:
        shown = cards[entry.name] if every else cards[entry.name][:1]
        rows += [_list_row(entry.name, card) for card in shown] or [(entry.name, "-", "no released weights", *[""] * 4)]
    head = ("plugin", "model", "simulates", "AUC (floor)", "speed-up", "figures met", "weights")
    text = columns(head, rows) if rows else "no plugin is installed"
    if any(card.baseline for found in cards.values() for card in found) and every:
        text += "\n\n* a model of the literature, kept to be compared with"
    announce(text, {"plugins": facts}, as_json=as_json)


def _list_row(name: str, card: Card) -> tuple[str, ...]:
    found = headlines(card)
    shown = dict(zip(("auc", "speed"), (value for value, _ in found.shown()[:2]), strict=True))
    met = f"{found.met} of {found.asked}" if found.asked else ""
    title = card.title if name == card.plugin else f"one set of weights with {card.plugin}: {card.title}"
    title = title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"
    auc, speed = ("" if value == "not measured" else value for value in (shown["auc"], shown["speed"]))
    return name, card.recipe + "*" * card.baseline, title, auc, speed, met, f"{card.bytes / 1e6:.1f} MB"


def _card_summary(card: Card) -> dict[str, Any]:
    judged = [finding for finding in card.findings if finding.passed is not None]
    return {
        "recipe": card.recipe,
        "title": card.title,
        "bytes": card.bytes,
        "sha256": card.sha256,
        "figures_met": len(judged) - len(card.unmet),
        "figures_required": len(judged),
        "baseline": card.baseline,
        "speed_up": headlines(card).speed_up,
    }


@click.command("info")
@click.argument("name")
@click.option("--model", metavar="RECIPE", help="Only this recipe's card.")
@click.option("--figures", is_flag=True, help="Every measured figure, with its floor and limit.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--markdown", is_flag=True, help="Print the cards as Markdown.")
def info_command(name: str, model: str | None, figures: bool, as_json: bool, markdown: bool) -> None:
    """What the plugin NAME takes, gives, keeps and reaches."""
    from ..contract.errors import WeightsError
    from ..contract.schema import nearest

    plugin = registry.plugin(name)
    cards = registry.entry(name).cards()
    if model is not None:
        known = {*plugin.recipes, *(card.recipe for card in cards)}
        if model not in known:
            raise WeightsError(
                f"model: {model!r} is no recipe of {name}; expected {', '.join(sorted(known))}{nearest(model, known)}"
            )
        cards = tuple(card for card in cards if card.recipe == model)
    if markdown:
        from ..reporting.card_markdown import markdown as rendered

        print("\n".join(rendered(card) for card in cards) or f"{name}: no released weights", end="")
        return
    facts = {
        "name": plugin.name,
        "title": plugin.title,
        "conditions": [_variable(variable) for variable in plugin.conditions],
        "outputs": [_variable(variable) for variable in plugin.outputs],
        "laws": [_law(law) for law in plugin.constraints],
        "recipes": {key: recipe.description for key, recipe in plugin.recipes.items()},
        "recipe_options": {key: recipe.chosen for key, recipe in plugin.recipes.items() if recipe.chosen},
        "formats": ["netcdf", "hdf5", *(entry.name for entry in plugin.formats)],
        "reference": plugin.reference_package if plugin.reference is not None else None,
        "targets": {key: _target(target) for key, target in plugin.targets.items()},
        "cards": [card.to_json() for card in cards],
    }
    announce(_text(plugin, cards, figures=figures), facts, as_json=as_json)


def _text(plugin: Plugin, cards: Sequence[Card], *, figures: bool) -> str:
    parts = [f"{plugin.name}: {plugin.title}" if plugin.title else plugin.name]
    parts += [_card(card, figures=figures) for card in cards] or ["no released weights"]
    parts.append(_section("conditions", _schema(plugin.conditions)))
    parts.append(_section("outputs", _schema(plugin.outputs)))
    if plugin.constraints:
        parts.append(
            _section(
                "laws",
                [
                    (law.name, f"by {law.strength}", f"tolerance {law.tolerance:g} {_shown(law.units)}".rstrip())
                    for law in plugin.constraints
                ],
            )
        )
    parts.append(_section("models", [(key, recipe.description) for key, recipe in plugin.recipes.items()]))
    options = [
        (key, f"{name}={value}") for key, recipe in plugin.recipes.items() for name, value in recipe.chosen.items()
    ]
    if options:
        parts.append(_section("options of `train --set`", options))
    formats = [("netcdf", ".nc .nc4"), ("hdf5", ".h5 .hdf5")]
    formats += [(entry.name, " ".join(entry.suffixes), entry.description) for entry in plugin.formats]
    parts.append(_section("formats", formats))
    extra = f"pip install 'surrogates[{plugin.extra}]'" if plugin.extra else ""
    reference = (
        [(plugin.reference_package or "a simulator of its own", extra)]
        if plugin.reference is not None
        else [("none that runs forward", "")]
    )
    parts.append(_section("reference", reference))
    if cards and not figures:
        parts.append(f"every figure: surrogates info {plugin.name} --figures; as a page: --markdown")
    return "\n\n".join(parts)


def _section(title: str, rows: list[tuple[str, ...]]) -> str:
    width = max((len(row) for row in rows), default=0)
    padded = [(*row, *("" for _ in range(width - len(row)))) for row in rows]
    widths = [max(len(row[column]) for row in padded) for column in range(width)]
    lines = [
        "  " + "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in padded
    ]
    return "\n".join([title, *lines])


def _schema(schema: Schema) -> list[tuple[str, ...]]:
    return [
        (
            variable.name,
            _shown(variable.units),
            f"({', '.join(('sample', *variable.dims))})",
            _range(variable),
            variable.long_name,
        )
        for variable in schema
    ]


def _range(variable: Variable) -> str:
    if variable.categories is not None and len(variable.categories) > 6:
        return f"one of {len(variable.categories)} labels"
    if variable.text or variable.dims[-1:] == ("character",):
        return f'text: surrogates.text(samples, "{variable.name}")'
    known = variable.bounds is not None or variable.categories is not None
    return variable.describe_range() if known else ""


def _shown(units: str) -> str:
    return "" if units == "1" else units


def _card(card: Card, *, figures: bool) -> str:
    baseline = " (of the literature, to be compared with)" if card.baseline else ""
    lines = [f"model {card.recipe}{baseline}"]
    lines += [f"  {line}" for line in textwrap.wrap(card.use, WIDTH)]
    lines += [f"  {value:>28}  {what}" for value, what in headlines(card).shown()]
    lines.append(
        f"  {card.parameters:,} parameters, {card.bytes / 1e6:.2f} MB, sha256 {card.sha256[:16]}…, trained {card.date}"
    )
    lines += [f"  trained range of {name}: {low:g} to {high:g}" for name, (low, high) in card.trained_range.items()]
    lines += [f"  cannot be asked, no training sample had it: {name}" for name in card.unseen]
    shown = card.findings if figures else card.unmet[:UNMET]
    if shown:
        table = columns(("figure", "value", "floor", "limit", "verdict"), [_figure(finding) for finding in shown])
        title = f"{len(card.findings)} figures" if figures else f"{len(shown)} of {len(card.unmet)} figures not met"
        lines += [f"  {title}:", *(f"    {line}" for line in table.splitlines())]
    if figures:
        lines += [f"  {speed.side}: {speed.rate:,.4g} samples per CPU-second" for speed in card.speed]
    return "\n".join(lines)


def _figure(finding: Finding) -> tuple[str, ...]:
    return (
        finding.name,
        f"{finding.value:.4g}",
        "" if finding.floor is None else f"{finding.floor:.4g}",
        "" if finding.limit is None else f"{finding.relation} {finding.limit:.4g}",
        finding.verdict,
    )


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "long_name": variable.long_name,
        "units": variable.units,
        "dims": ["sample", *variable.dims],
        "dtype": variable.dtype,
        "bounds": variable.bounds,
        "categories": variable.categories,
        "optional": variable.optional,
        "default": variable.default,
    }


def _law(law: Any) -> dict[str, Any]:
    return {"name": law.name, "units": law.units, "strength": law.strength, "tolerance": law.tolerance}


def _target(target: Target) -> dict[str, Any]:
    return {
        "n": target.n,
        "at_most": target.at_most,
        "at_least": target.at_least,
        "floors": target.floors,
        "units": target.units,
    }
