"""A card as Markdown: what the weights are, every figure with its floor, speed, baselines and published anchors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..contract.findings import Finding
from ..release.cards import Card, Speed


def markdown(card: Card) -> str:
    """Render `card`, figures not met included, as a Markdown document."""
    parts = [f"# {card.plugin}: {card.title or card.recipe}", facts(card)]
    parts += [f"## Figures\n\n{findings_table(card.findings)}"] if card.findings else []
    parts += [f"## Speed\n\n{speed_table(card.speed)}"] if card.speed else []
    parts += [f"## Baselines\n\n{baselines_table(card)}"] if card.baselines else []
    if card.anchors:
        rows = [(anchor.figure, anchor.value, anchor.source) for anchor in card.anchors]
        parts.append("## Published figures, for context\n\n" + table(("figure", "value", "source"), rows))
    parts += ["## Notes\n\n" + "\n".join(f"- {note}" for note in card.notes)] if card.notes else []
    return "\n\n".join(parts) + "\n"


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
