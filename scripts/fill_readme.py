"""Fill the marked parts of README.md, and write the pages of docs/cards: figures from the released cards.

``python scripts/fill_readme.py`` rewrites the files; with ``--check`` it exits 1 where one is out of date.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from surrogates import registry
from surrogates.contract.findings import Finding
from surrogates.release.cards import Card
from surrogates.reporting.card_markdown import markdown, table

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CARDS = ROOT / "docs" / "cards"
PLUGIN = Path("tests/third_party/muon-decay")
MOST = 12  # figures not met that the README shows of a card
SHOWN = ("pyproject.toml", "muon_decay/plugin.py", "muon_decay/network.py")
LANGUAGES = {".toml": "toml", ".py": "python"}


def filled(text: str) -> str:
    """`text` with its marked parts made anew.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    for name, content in (("figures", figures()), ("plugin", plugin())):
        start, end = f"<!-- {name}: made by scripts/fill_readme.py -->", f"<!-- end of {name} -->"
        if start not in text or end not in text:
            raise ValueError(f"README.md: the marker {start!r} or {end!r} is missing")
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = f"{before}{start}\n\n{content}\n\n{end}{after}"
    return text


def released() -> list[Card]:
    """Cards of the weights in this package."""
    return [card for entry in registry.plugins() if entry.package == "surrogates" for card in entry.cards()]


def figures() -> str:
    """For each released model of this package: classifiers, what is not met, speed, and a link to the whole card.

    What others published stands behind the last model of a plugin.
    """
    parts: list[str] = []
    for name, cards in groupby(released(), key=lambda card: card.plugin):
        models = list(cards)
        anchors = dict.fromkeys(anchor for card in models for anchor in card.anchors)
        parts += [_card(card) for card in models]
        if anchors:
            rows = [(anchor.figure, anchor.value, anchor.source) for anchor in anchors]
            parts += [f"Published beside {name}, on other data:", table(("figure", "value", "source"), rows)]
    return "\n\n".join(parts) or "No weights are released yet."


def pages() -> dict[Path, str]:
    """Each card as a page of its own."""
    return {page(card): markdown(card) for card in released()}


def page(card: Card) -> Path:
    """Where a card's page lies."""
    return CARDS / f"{card.plugin}-{card.recipe}.md"


def _card(card: Card) -> str:
    judged = [finding for finding in card.findings if finding.passed is not None]
    met = (
        f"{len(judged) - len(card.unmet)} of {len(judged)} required figures met" if judged else "no figure measured yet"
    )
    parts = [f"### {card.plugin}, model `{card.recipe}`: {met}"]
    link = f"[all {len(card.findings)} figures]({page(card).relative_to(ROOT)})"
    first = [finding for finding in card.findings if finding.passed is False or "auc_" in finding.name]
    unmet = sorted(card.unmet, key=lambda finding: "auc_" not in finding.name)[:MOST]
    first = [finding for finding in first if "auc_" in finding.name or finding in unmet]
    if first:
        left = len(card.unmet) - sum(finding.passed is False for finding in first)
        what = "every figure that is not met" if not left else f"{MOST} of {len(card.unmet)} figures that are not met"
        parts.append(f"Classifiers, and {what} ({link}):")
        head = ("figure", "value", "floor", "limit", "n", "verdict")
        parts.append(table(head, [_row(finding) for finding in first]))
    reference = next((speed.rate for speed in card.speed if speed.side == "reference"), None)
    lines = [
        f"- {speed.side}, {speed.threads} thread(s): {speed.rate:,.4g} samples per CPU-second"
        + (f", {speed.rate / reference:,.3g} times the reference" if reference and speed.side != "reference" else "")
        for speed in card.speed
    ]
    lines += [f"- {note}" for note in card.notes]
    return "\n\n".join([*parts, "\n".join(lines)] if lines else parts)


def _row(finding: Finding) -> tuple[str, ...]:
    units = "" if finding.units == "1" else f" {finding.units}"
    return (
        finding.name,
        f"{finding.value:.3g}" + (f" ± {finding.error:.1g}" if finding.error is not None else "") + units,
        "" if finding.floor is None else f"{finding.floor:.3g}",
        "" if finding.limit is None else f"{finding.relation} {finding.limit:.3g}",
        f"{finding.n:,}",
        "**not met**" if finding.passed is False else finding.verdict,
    )


def plugin() -> str:
    """The example plugin's files, word for word."""
    parts = []
    for name in SHOWN:
        path = ROOT / PLUGIN / name
        content = path.read_text(encoding="utf-8").rstrip("\n")
        parts.append(f"`{PLUGIN / name}`\n\n```{LANGUAGES[path.suffix]}\n{content}\n```")
    return "\n\n".join(parts)


def main(arguments: list[str]) -> int:
    """Rewrite or check README.md and the cards' pages."""
    made = {README: filled(README.read_text(encoding="utf-8")), **pages()}
    old = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in old:
            print(f"{path.relative_to(ROOT)} is out of date: run `make readme`", file=sys.stderr)
        return int(bool(old))
    CARDS.mkdir(parents=True, exist_ok=True)
    for path in old:
        path.write_text(made[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
