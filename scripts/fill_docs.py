"""Fill README's table, the page on writing a plugin and the pages of docs/cards from the cards and the example.

``python scripts/fill_docs.py`` rewrites the files; with ``--check`` it exits 1 where one is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from surrogates import registry
from surrogates.release.cards import Card
from surrogates.release.headlines import headlines
from surrogates.reporting.card_markdown import markdown, table

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
CARDS = DOCS / "cards"
EXAMPLE = Path("tests/third_party/muon-decay")
SHOWN = ("pyproject.toml", "muon_decay/plugin.py", "muon_decay/network.py")
LANGUAGES = {".toml": "toml", ".py": "python"}


def filled(path: Path, name: str, content: str) -> str:
    """The text of a file with its marked part made anew.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    text = path.read_text(encoding="utf-8")
    start, end = f"<!-- {name}: made by scripts/fill_docs.py -->", f"<!-- end of {name} -->"
    if start not in text or end not in text:
        raise ValueError(f"{path.name}: the marker {start!r} or {end!r} is missing")
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{content}\n\n{end}{after}"


def released() -> list[Card]:
    """Cards of the weights in this package, each plugin's default first."""
    return [card for entry in registry.plugins() if entry.package == "surrogates" for card in entry.cards()]


def summary() -> str:
    """One row a plugin: its default model in headlines."""
    rows = []
    for card in released():
        if card.position:
            continue
        auc, speed, law, _, met = (value for value, _ in headlines(card).shown())
        declared = registry.plugin(card.plugin)
        judge = declared.reference_package if declared.reference is not None else "held-out data"
        name = f"[`{card.plugin}`]({page(card).relative_to(ROOT)})"
        rows.append((name, card.title, judge, speed, auc, law.partition(",")[0], met, f"{card.bytes / 1e6:.1f} MB"))
    head = ("plugin", "simulates", "reference", "speed-up", "AUC (floor)", "laws", "figures met", "weights")
    return table(head, rows)


def pages() -> dict[Path, str]:
    """Each card as a page of its own, and the index of the pages."""
    made = {page(card): markdown(card, picture(card)) for card in released()}
    rows = []
    for card in released():
        auc, speed, _, _, met = (value for value, _ in headlines(card).shown())
        kind = "of the literature" if card.baseline else "default" if not card.position else ""
        rows.append((f"[{card.plugin}: {card.recipe}]({page(card).name})", kind, auc, speed, met))
    listed = "\n".join(dict.fromkeys(page(card).name for card in released()))
    made[CARDS / "index.md"] = (
        "# Cards\n\nWhat each set of released weights is, how near its samples come to the reference, and what it "
        "is not good for.\n\n"
        + table(("weights", "", "AUC (floor)", "speed-up", "figures met"), rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
    return made


def page(card: Card) -> Path:
    """Where a card's page lies."""
    return CARDS / f"{card.plugin}-{card.recipe}.md"


def picture(card: Card) -> str | None:
    """The card's picture, as seen from its page; the default's is named after the plugin alone."""
    names = [f"{card.plugin}-{card.recipe}.png", *([] if card.position else [f"{card.plugin}.png"])]
    found = [name for name in names if (DOCS / "figures" / name).exists()]
    return f"../figures/{found[0]}" if found else None


def example() -> str:
    """The example plugin's files, word for word."""
    parts = []
    for name in SHOWN:
        path = ROOT / EXAMPLE / name
        content = path.read_text(encoding="utf-8").rstrip("\n")
        parts.append(f"`{EXAMPLE / name}`\n\n```{LANGUAGES[path.suffix]}\n{content}\n```")
    return "\n\n".join(parts)


def made() -> dict[Path, str]:
    """Every file that this script fills, with its text."""
    plugin_page = DOCS / "write-a-plugin.md"
    return {
        README: filled(README, "summary", summary()),
        plugin_page: filled(plugin_page, "example", example()),
        **pages(),
    }


def main(arguments: list[str]) -> int:
    """Rewrite or check the files."""
    texts = made()
    old = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in old:
            print(f"{path.relative_to(ROOT)} is out of date: run `make pages`", file=sys.stderr)
        return int(bool(old))
    CARDS.mkdir(parents=True, exist_ok=True)
    for path in old:
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
