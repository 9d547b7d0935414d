"""One self-contained HTML page that says what was compared, what was measured and what was met."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import SurrogatesError
from ..io.atomic import replacing
from ..io.formats import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..contract.findings import Finding
    from ..contract.plugin import Plugin


class ReportError(SurrogatesError, OSError):
    """A report that cannot be written."""


@dataclass(frozen=True)
class Table:
    """A plain table of a section; the first column names the row."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: bool = True


@dataclass(frozen=True)
class Section:
    """What one plugin's comparison has to show.

    Attributes
    ----------
    plugin : Plugin
    findings : sequence of Finding
        The samples' figures.
    baselines : mapping
        Name -> findings of a cheap fake, which should not meet them.
    residuals : mapping
        Constraint name -> largest residual.
    figures : mapping
        Caption -> matplotlib Figure.
    samples_attrs, truth_attrs : mapping
        Attributes of the two compared Datasets, shown as provenance.
    compared : str
        One sentence that says what was compared with what.
    tiles : sequence of (value, caption)
        Headline numbers.
    use : str
        What the weights are good for and what not.
    tables, notes : sequences
        Further tables (a benchmark, say) and remarks.
    calls : sequence of str
        What makes the same samples, in Python and on the command line.
    label : str
        What tells it from other sections of its plugin: the model.
    """

    plugin: Plugin
    findings: Sequence[Finding] = ()
    baselines: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    residuals: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    samples_attrs: Mapping[str, Any] = field(default_factory=dict)
    truth_attrs: Mapping[str, Any] = field(default_factory=dict)
    compared: str = ""
    tiles: Sequence[tuple[str, str]] = ()
    use: str = ""
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    calls: Sequence[str] = ()
    label: str = ""


def write_report(
    path: Path | str,
    sections: Sequence[Section],
    *,
    title: str = "Validation report",
    introduction: str = "",
    overwrite: bool = False,
    back: str = "",
) -> Path:
    """Write the page under its final name only when it is whole.

    Parameters
    ----------
    path : Path or str
        Ends in ``.html``.
    sections : sequence of Section
        One a plugin.
    title, introduction : str
    overwrite : bool
        Replace an existing file.
    back : str
        Address of the page that leads here.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ReportError
        Where the file exists already, or its folder cannot be written.
    """
    path = Path(path)
    check_path(path, overwrite=overwrite)
    page = render_report(sections, title=title, introduction=introduction, back=back)
    try:
        with replacing(path, overwrite=overwrite) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OutputError as error:
        raise ReportError(str(error)) from error
    return path


def check_path(path: Path, *, overwrite: bool) -> None:
    """Refuse a report's name before anything is measured; raises ReportError."""
    if path.suffix.lower() not in {".html", ".htm"}:
        raise ReportError(f"{path}: unknown suffix ({path.suffix or 'none'}); expected .html")
    if path.exists() and not overwrite:
        raise ReportError(f"{path} exists already; choose another name or ask to overwrite it")
    if not path.parent.is_dir():
        raise ReportError(f"cannot write {path}: the folder {path.parent} does not exist; create it first")


def render_report(sections: Sequence[Section], *, title: str, introduction: str = "", back: str = "") -> str:
    """Return the page as text; see `write_report`."""
    from jinja2 import Environment, StrictUndefined

    template = resources.files(__package__ or "surrogates.reporting").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        title=title,
        introduction=introduction,
        back=back,
        created=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        version=metadata.version("surrogates"),
        sections=[_section(section) for section in sections],
    )


PICTURES = (".png", ".pdf", ".svg")
"""Suffixes of pictures that are written."""


def write_figure(figure: Figure, path: Path | str) -> Path:
    """Save a figure by suffix, whole or not at all, and close it."""
    from matplotlib import pyplot

    with replacing(Path(path), overwrite=True) as temporary:
        figure.savefig(temporary, dpi=130, bbox_inches="tight", format=Path(path).suffix[1:].lower())
    pyplot.close(figure)
    return Path(path)


def number(value: float | None) -> str:
    """A number to three significant digits, as a reader wants it; an empty string for None."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"


def _section(section: Section) -> dict[str, Any]:
    judged = [finding for finding in section.findings if finding.passed is not None]
    laws = [_law(section.plugin, name, value) for name, value in section.residuals.items()]
    laws_judged = [law for law in laws if law["kept"] is not None]
    return {
        "name": "/".join(part for part in (section.plugin.name, section.label) if part),
        "title": "" if section.label else section.plugin.title,
        "calls": section.calls,
        "compared": section.compared,
        "judged": len(judged),
        "met": sum(bool(finding.passed) for finding in judged),
        "laws_judged": len(laws_judged),
        "laws_kept": sum(bool(law["kept"]) for law in laws_judged),
        "tiles": [{"value": value, "caption": caption} for value, caption in section.tiles],
        "use": section.use,
        "notes": section.notes,
        "findings": [_finding(section.plugin, finding) for finding in section.findings],
        "unmet": [_finding(section.plugin, finding) for finding in judged if not finding.passed],
        "laws": laws,
        "baselines": [_baseline(name, findings) for name, findings in section.baselines.items()],
        "tables": section.tables,
        "figures": [{"caption": caption, "source": _inline(figure)} for caption, figure in section.figures.items()],
        "provenance": [
            {"title": title, "rows": [(key, _short(value)) for key, value in attrs.items()]}
            for title, attrs in (
                ("Samples: where they come from", section.samples_attrs),
                ("Truth: where it comes from", section.truth_attrs),
            )
            if attrs
        ],
    }


_STYLES = {True: "met", False: "unmet", None: "plain"}


def _finding(plugin: Plugin, finding: Finding) -> dict[str, Any]:
    target = plugin.targets.get(finding.name)
    units = "" if finding.units in ("", "1") else f" {finding.units}"
    error = f" ± {number(finding.error)}" if finding.error else ""
    return {
        "name": finding.name,
        "description": finding.description or (target.description if target else ""),
        "value": f"{number(finding.value)}{error}{units}",
        "floor": number(finding.floor),
        "limit": "" if finding.limit is None else f"{'≥' if finding.relation == '>=' else '≤'} {number(finding.limit)}",
        "n": f"{finding.n:,}" if finding.n else "",
        "scale": _scale(finding),
        "style": _STYLES[finding.passed],
        "verdict": finding.verdict.partition(" (")[0],
    }


def _law(plugin: Plugin, name: str, value: float) -> dict[str, Any]:
    constraint = next((law for law in plugin.constraints if law.name == name), None)
    kept = None if constraint is None else bool(value <= constraint.tolerance)
    units = "" if constraint is None or constraint.units in ("", "1") else f" {constraint.units}"
    style, verdict = {True: ("met", "kept"), False: ("unmet", "broken"), None: ("plain", "no tolerance set")}[kept]
    return {
        "name": name,
        "value": f"{value:.1e}{units}",
        "tolerance": "" if constraint is None else f"{constraint.tolerance:.0e}{units}",
        "strength": "" if constraint is None else constraint.strength,
        "kept": kept,
        "style": style,
        "verdict": verdict,
    }


def _baseline(name: str, findings: Sequence[Finding]) -> dict[str, Any]:
    judged = [finding for finding in findings if finding.passed is not None]
    unmet = [finding.name for finding in judged if not finding.passed]
    shown = ", ".join(unmet[:4]) + (f" and {len(unmet) - 4} more" if len(unmet) > 4 else "")
    return {
        "name": name,
        "met": len(judged) - len(unmet),
        "judged": len(judged),
        "style": "met" if unmet else "unmet",
        "verdict": "fails, as it should" if unmet else "passes, and should not",
        "unmet": shown,
    }


def _scale(finding: Finding) -> Any:
    """A small drawing of value, error, floor and limit on one axis that starts at the smaller of 0 and the least."""
    from markupsafe import Markup

    marks = [mark for mark in (finding.value, finding.floor, finding.limit) if mark is not None and math.isfinite(mark)]
    if not marks or not math.isfinite(finding.value):
        return ""
    low, high = min(0.0, *marks), max(0.0, *marks, finding.value + (finding.error or 0.0))
    if len(marks) > 1 and min(marks) > 0.6 * max(marks):
        low = min(marks) - 0.5 * (max(marks) - min(marks))
    if high <= low:
        return ""

    def at(value: float) -> str:
        return f"{4 + 142 * min(max((value - low) / (high - low), 0.0), 1.0):.1f}"

    parts = [
        '<svg class="scale" viewBox="0 0 150 18" role="img" aria-hidden="true">',
        '<line class="axis" x1="4" y1="9" x2="146" y2="9"/>',
    ]
    for kind, mark in (("floor", finding.floor), ("limit", finding.limit)):
        if mark is not None and math.isfinite(mark):
            parts.append(f'<line class="{kind}" x1="{at(mark)}" y1="2" x2="{at(mark)}" y2="16"/>')
    if finding.error:
        left, right = at(finding.value - finding.error), at(finding.value + finding.error)
        parts.append(f'<line class="error" x1="{left}" y1="9" x2="{right}" y2="9"/>')
    parts.append(f'<circle class="value" cx="{at(finding.value)}" cy="9" r="4"/></svg>')
    return Markup("".join(parts))


def _inline(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 600 else f"{text[:600]}…"
