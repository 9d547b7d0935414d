"""A card as Markdown: what the weights are, every figure with its floor, speed, baselines and published anchors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..contract.findings import Finding
from ..release.cards import Card, Speed
from ..release.headlines import headlines

UNFOLDED = 12
"""Figures not met that stand open on a page."""


def markdown(card: Card, picture: str | None = None) -> str:
    """Render a card as a Markdown page: the picture, five numbers and what they mean first, long tables folded.

    Parameters
    ----------
    card : Card
    picture : str, optional
        Address of a picture of samples beside the truth.
    """
    parts = [f"# {card.plugin}: {card.recipe}", card.title]
    if card.baseline:
        parts.append("A model of the literature, kept to be compared with; it is not what this plugin recommends.")
    parts += [f"![{card.plugin}: samples of {card.recipe} beside the truth]({picture})"] if picture else []
    parts.append(table(("headline", "measured"), [(what, f"**{value}**") for value, what in headlines(card).shown()]))
    parts += [f"**What it is good for.** {card.use}"] if card.use else []
    if card.unmet:
        rows = findings_table(card.unmet)
        parts.append(f"## Not met\n\n{rows if len(card.unmet) <= UNFOLDED else folded(_counted(card.unmet), rows)}")
    parts += [f"## Speed\n\n{speed_table(card.speed)}"] if card.speed else []
    if card.worthwhile_from is not None:
        few = "a call of a single sample" if card.worthwhile_from == 1 else f"{card.worthwhile_from:,} samples a call"
        parts.append(f"The surrogate takes less CPU time than its reference from {few} on, both warm on one core.")
    if card.laws:
        laws = [(name, f"{size:.2g}", f"{most:.2g}") for name, (size, most) in card.laws.items()]
        parts.append("## Laws\n\n" + table(("law", "largest residual", "tolerance"), laws))
    parts += ["## Notes\n\n" + "\n".join(f"- {note}" for note in card.notes)] if card.notes else []
    parts += (
        [f"## Figures\n\n{folded(_counted(card.findings), findings_table(card.findings))}"] if card.findings else []
    )
    if card.baselines:
        parts.append(f"## Cheap fakes, which must fail\n\n{folded('Their figures', baselines_table(card))}")
    if card.anchors:
        rows = [(anchor.figure, anchor.value, anchor.source) for anchor in card.anchors]
        parts.append("## Published figures, for context\n\n" + table(("figure", "value", "source"), rows))
    parts.append(f"## The weights\n\n{facts(card)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def folded(title: str, content: str) -> str:
    """Content that a reader opens."""
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _counted(findings: Sequence[Finding]) -> str:
    return f"{len(findings):,} figures" if len(findings) != 1 else "one figure"


def facts(card: Card) -> str:
    """What the weights are and how they were made, as a two-column table."""
    ranges = "; ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in card.trained_range.items())
    rows = [
        ("recipe", card.recipe),
        ("parameters", f"{card.parameters:,}"),
        ("weights", f"{card.bytes:,} bytes, sha256 `{card.sha256}`"),
        ("trained range", ranges or "as declared"),
        ("cannot be asked", ", ".join(card.unseen)),
        ("training data", card.training_data),
        ("licence of the data", card.training_licence),
        ("training samples", f"{card.training_samples:,}" if card.training_samples else ""),
        ("hardware", card.hardware),
        ("date", card.date),
        ("seed", "" if card.seed is None else str(card.seed)),
        ("packages", ", ".join(f"{name} {version}" for name, version in sorted(card.packages.items()))),
    ]
    return table(("", ""), [row for row in rows if row[1]])


def findings_table(findings: Iterable[Finding]) -> str:
    """Every figure with its error, its truth-against-truth floor, its limit and whether it is met."""
    header = ("figure", "value", "floor", "limit", "units", "n", "met")
    rows = []
    for finding in findings:
        error = f" ± {finding.error:.2g}" if finding.error is not None else ""
        limit = "" if finding.limit is None else f"{finding.relation} {finding.limit:.4g}"
        floor = "" if finding.floor is None else f"{finding.floor:.4g}"
        units = "" if finding.units == "1" else finding.units
        rows.append(
            (finding.name, f"{finding.value:.4g}{error}", floor, limit, units, f"{finding.n:,}", finding.verdict)
        )
    return table(header, rows)


def speed_table(speeds: Sequence[Speed]) -> str:
    """Samples per CPU-second of each side, and how many times the reference that is."""
    reference = next((speed.rate for speed in speeds if speed.side == "reference"), None)
    rows = []
    for speed in speeds:
        ratio = f"{speed.rate / reference:,.3g} x" if reference else ""
        rows.append(
            (
                speed.side,
                f"{speed.rate:,.4g}",
                ratio,
                f"{speed.samples:,}",
                f"{speed.cpu_seconds:.3g}",
                f"{speed.wall_seconds:.3g}",
            )
            + (str(speed.threads), "" if speed.batch is None else f"{speed.batch:,}", speed.hardware)
        )
    header = (
        "side",
        "samples per CPU-s",
        "against reference",
        "samples",
        "CPU-s",
        "wall s",
        "threads",
        "batch",
        "hardware",
    )
    return table(header, rows)


def baselines_table(card: Card) -> str:
    """Figures of the impostors and cheap alternatives beside the model's own."""
    model = {finding.name: finding.value for finding in card.findings}
    figures = list(dict.fromkeys(name for values in card.baselines.values() for name in values))
    rows = []
    for figure in figures:
        own = model.get(figure)
        values = [baseline.get(figure) for baseline in card.baselines.values()]
        rows.append((figure, *("" if value is None else f"{value:.4g}" for value in (own, *values))))
    return table(("figure", "this model", *card.baselines), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
