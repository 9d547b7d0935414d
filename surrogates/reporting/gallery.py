"""Static pages: one a plugin, with its pictures and figures, and an index that leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..io.atomic import replacing
from .page import Section, write_report

if TYPE_CHECKING:
    from ..contract.plugin import Plugin

THUMBNAIL_DPI = 50
INDEX = "index.html"


@dataclass(frozen=True)
class Entry:
    """A plugin on the index.

    Attributes
    ----------
    name, title : str
    models : tuple of str
    said : tuple of str
        What is said of its default model.
    missing : str
        Why there is no page.
    """

    name: str
    title: str
    models: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    missing: str = ""


def write_page(folder: Path, plugin: Plugin, sections: Sequence[Section]) -> Entry:
    """Write ``<name>.html`` with a section for each model, and ``<name>.png``, the first picture in small.

    Parameters
    ----------
    folder : Path
    plugin : Plugin
    sections : sequence of Section
        One a model, the default first.

    Returns
    -------
    Entry
        What the index says of it.
    """
    from matplotlib import pyplot

    title = plugin.title or plugin.name
    write_report(folder / f"{plugin.name}.html", sections, title=title, back=INDEX)
    with replacing(folder / f"{plugin.name}.png", overwrite=True) as temporary:
        next(iter(sections[0].figures.values())).savefig(
            temporary, dpi=THUMBNAIL_DPI, bbox_inches="tight", format="png"
        )
    for section in sections:
        for figure in section.figures.values():
            pyplot.close(figure)
    return Entry(plugin.name, title, tuple(section.label for section in sections))


def write_index(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write the page that leads to the others; those without a page stand with the reason."""
    from jinja2 import Environment, StrictUndefined

    template = resources.files(__package__ or "surrogates.reporting").joinpath("gallery.html")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(template.read_text(encoding="utf-8")).render(
        entries=[entry for entry in entries if not entry.missing],
        missing=[entry for entry in entries if entry.missing],
        version=metadata.version("surrogates"),
    )
    with replacing(folder / INDEX, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / INDEX
