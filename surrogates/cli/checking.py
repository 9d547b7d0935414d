"""`surrogates validate`: samples against a reference, with floors, errors, baselines, laws and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..counting import Counter
from ..release.cards import Card
from ..reporting.held_out import held_out
from ..reporting.validation import broken_laws, differing_conditions, validation_section
from ..sampling.files import as_served, check_variables, read_whole
from .entry import CheckFailed
from .files import FILE
from .generation import card_file
from .output import announce, columns

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..measuring import Validation


@click.command("validate")
@click.argument("name")
@click.argument("samples", type=FILE)
@click.option(
    "--reference",
    type=FILE,
    metavar="FILE",
    help="Truth at the same conditions; without it the reference is run at the samples' own, or else the plugin's "
    "held-out truth is taken.",
)
@click.option(
    "--second-reference",
    type=FILE,
    metavar="FILE",
    help="An independent truth of the same size, for the floors; else halves of the first serve.",
)
@click.option(
    "--training", type=FILE, metavar="FILE", help="What the model was trained on, to look for memorised samples."
)
@click.option(
    "--weights",
    type=FILE,
    metavar="PATH",
    help="What made the samples, a weights file or a run's folder, where training found what their variables are.",
)
@click.option("--report", type=FILE, metavar="PATH", help="Write a self-contained HTML page.")
@click.option("-n", "n", type=click.IntRange(min=2), help="Samples on each side, in place of each figure's own number.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random splits.")
@click.option("--quick", is_flag=True, help="Train no classifiers.")
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def validate_command(
    name: str,
    samples: Path,
    reference: Path | None,
    second_reference: Path | None,
    training: Path | None,
    weights: Path | None,
    report: Path | None,
    n: int | None,
    seed: int,
    quick: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure SAMPLES of plugin NAME against a reference; exit 1 where a required figure is not met or a law is broken.

    surrogates validate particle-events events.hepmc3 --report report.html
    """
    from ..measuring import validate
    from ..reporting.page import check_path

    plugin = registry.plugin(name)
    if weights is not None:
        plugin = Card.read(card_file(weights)).described(plugin)
    if report is not None:
        check_path(report, overwrite=overwrite)
    if reference is None and second_reference is not None:
        raise click.UsageError("--second-reference is given without --reference")
    given = {"samples": samples, "truth": reference, "second_truth": second_reference, "training": training}
    sides: dict[str, Any] = {}
    remarks = []
    with Counter("validation", None) as progress:
        for key, path in given.items():
            if path is not None:
                progress.stage(f"reading {path}")
                sides[key] = read_whole(path, plugin)
                plugin = as_served(plugin, sides[key].attrs) if key == "samples" and weights is None else plugin
                check_variables(path, plugin, sides[key])
        if reference is None:
            progress.stage("held-out truth")
            kept, *truths = held_out(plugin, sides["samples"], seed=seed, n=n)
            made = "of the reference at their own conditions" if plugin.reference else "of the plugin's held-out truth"
            remarks.append(f"{kept.sizes['sample']:,} of the samples against as many {made}")
            sides |= {"samples": kept, **dict(zip(("truth", "second_truth"), truths, strict=False))}
        remarks += differing_conditions(plugin, sides["samples"], sides["truth"])
        found = validate(plugin, **sides, seed=seed, n=n, classifiers=not quick, progress=progress.stage)
        if report is not None:
            from ..reporting.page import write_report

            progress.stage("report")
            section = validation_section(plugin, found, sides["samples"], sides["truth"], notes=remarks)
            write_report(report, [section], title=f"Validation of {plugin.name}", overwrite=overwrite)
    broken = broken_laws(plugin, found.residuals)
    facts = {
        "plugin": name,
        "samples": str(samples),
        "reference": str(reference) if reference else None,
        "met": not (found.unmet or broken),
        "unmet": [finding.name for finding in found.unmet],
        "broken_laws": broken,
        "remarks": remarks,
        "report": str(report) if report else None,
        **found.to_json(),
    }
    announce(_text(plugin, found, remarks, report), facts, as_json=as_json)
    if found.unmet or broken:
        raise CheckFailed


def _text(plugin: Plugin, found: Validation, remarks: list[str], report: Path | None) -> str:
    rows = [
        (
            finding.name,
            f"{finding.value:.4g}",
            "" if finding.error is None else f"{finding.error:.2g}",
            "" if finding.floor is None else f"{finding.floor:.4g}",
            "" if finding.limit is None else f"{finding.relation} {finding.limit:.4g}",
            f"{finding.n:,}",
            finding.verdict,
        )
        for finding in found.findings
    ]
    parts = [columns(("figure", "value", "error", "floor", "limit", "n", "verdict"), rows)]
    tolerances = {constraint.name: constraint.tolerance for constraint in plugin.constraints}
    laws = [
        (law, f"{value:.2g}", f"{tolerances.get(law, 0):.2g}", "kept" if value <= tolerances.get(law, 0) else "broken")
        for law, value in found.residuals.items()
    ]
    if laws:
        parts.append(columns(("law", "residual", "tolerance", "verdict"), laws))
    fakes = []
    for name, findings in found.baselines.items():
        missed = [finding.name for finding in findings if finding.passed is False]
        fakes.append(
            (name, f"fails {len(missed)} figures, as it should" if missed else "meets every figure, and should not")
        )
    if fakes:
        parts.append(columns(("baseline", "outcome"), fakes))
    judged = [finding for finding in found.findings if finding.passed is not None]
    parts.append("\n".join(f"note: {line}" for line in (*remarks, *found.notes)))
    parts.append(
        f"{len(judged) - len(found.unmet)} of {len(judged)} required figures met"
        + (f"; report: {report}" if report else "")
    )
    return "\n\n".join(parts)
