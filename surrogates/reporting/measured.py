"""Figures onto a card: released weights measured on test sets, with floors, impostors, laws and timings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import WeightsError
from ..measuring import Validation, validate
from ..release.cards import Card, Speed

if TYPE_CHECKING:
    import xarray as xr

    from ..sampling.surrogate import Surrogate


@dataclass(frozen=True)
class TestSet:
    """Truths that weights are measured on.

    Attributes
    ----------
    truth : Dataset
        Conditions and outputs; the surrogate is sampled at these conditions.
    second : Dataset, optional
        An independent truth, for the floors.
    label : str
        Leads the names of the figures: ``label/figure``; empty for the plain ones.
    whole : bool
        Whether classifiers are trained and impostors measured.
    candidates : int
        Each sample is chosen from so many by its weight, see `Surrogate.using`; 0 takes them as they come.
    """

    __test__ = False

    truth: xr.Dataset
    second: xr.Dataset | None = None
    label: str = ""
    whole: bool = True
    candidates: int = 0


def measured_card(
    surrogate: Surrogate,
    sets: Sequence[TestSet],
    *,
    training: xr.Dataset | None = None,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    speed: Sequence[Speed] = (),
    notes: Sequence[str] = (),
    seed: int = 2026,
    classifiers: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Card:
    """The card of a surrogate's weights with the figures, baselines, laws, timings and notes measured now.

    On the card of weights that serve several plugins figures are led by the plugin's name, ``plugin/figure``, and those
    of the other plugins stay.

    Parameters
    ----------
    surrogate : Surrogate
        Opened with `extrapolate` where a test set goes beyond the trained range.
    sets : sequence of TestSet
        The first gives the plain figures and is sampled with `seed`, the others with the next one.
    training : Dataset, optional
        What the weights were trained on, for memorisation.
    baselines : mapping, optional
        Impostors that were measured against the same truths, on the card of another recipe; measured anew without.
    speed : sequence of Speed
    notes : sequence of str
    seed : int
    classifiers : bool
        Whether any classifier is trained at all.
    progress : callable, optional
    """
    card = surrogate.card
    own = surrogate.plugin.name if card.also else ""
    kept = tuple(f"{name}/" for name in card.plugins if name != own) if own else ()
    findings = [item for item in card.findings if kept and item.name.startswith(kept)]
    fakes: dict[str, Any] = {
        name: dict(rows) for name, rows in card.baselines.items() if kept and name.startswith(kept)
    }
    lines = [line for line in card.notes if kept and line.startswith(tuple(f"{name[:-1]}:" for name in kept))]
    lines += [f"{own}: {note}" if own else note for note in notes]
    laws: dict[str, Any] = {}
    if own:
        laws = {name: found for name, found in card.laws.items() if name not in _laws(surrogate)}
    tolerances = {law.name: law.tolerance for law in surrogate.plugin.constraints}
    for number, part in enumerate(sets):
        found = _measured(
            surrogate,
            part,
            seed=seed + (number > 0),
            classifiers=classifiers and part.whole,
            impostors=baselines is None and part.whole and not part.candidates,
            training=training if number == 0 else None,
            progress=progress,
        )
        label = "/".join(name for name in (own, part.label) if name)
        lead, said = (f"{label}/", f"{label}: ") if label else ("", "")
        findings += [replace(item, name=f"{lead}{item.name}") for item in found.findings]
        fakes |= {f"{lead}{name}": {item.name: item.value for item in rows} for name, rows in found.baselines.items()}
        lines += [f"{said}{line}" for line in found.notes]
        if number == 0:
            lines += [f"{said}impostor {name!r} is not caught by the figures" for name in found.uncaught]
        for law, residual in found.residuals.items():
            if law in tolerances:
                laws[law] = (max(residual, laws.get(law, (0.0,))[0]), tolerances[law])
    if baselines is not None:
        led = tuple(f"{part.label}/" for part in sets if part.label)
        fakes = {name: dict(values) for name, values in baselines.items() if "/" not in name or name.startswith(led)}
    return replace(
        card,
        findings=tuple(findings),
        baselines=fakes,
        notes=tuple(lines),
        speed=tuple(speed),
        laws=laws or card.laws,
    )


def timings(path: Path) -> tuple[Speed, ...]:
    """Timings of the JSON file that `surrogates benchmark -o` wrote.

    Raises
    ------
    WeightsError
        Another file.
    """
    names = ("side", "samples", "cpu_seconds", "wall_seconds", "batch")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Speed(**{name: row[name] for name in names}, threads=row["cores"], hardware=found["hardware"])
            for row in found["timings"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: no timings ({error}); expected the JSON of `surrogates benchmark -o`") from None


def _laws(surrogate: Surrogate) -> set[str]:
    return {law.name for law in surrogate.plugin.constraints}


def _measured(surrogate: Surrogate, part: TestSet, *, seed: int, **options: Any) -> Validation:
    asked = part.truth[[name for name in surrogate.plugin.conditions.names if name in part.truth]]
    drawn = surrogate.using(candidates=part.candidates) if part.candidates else surrogate
    samples = drawn.sample(asked, seed=seed)
    return validate(surrogate.plugin, samples, part.truth, second_truth=part.second, seed=seed, **options)
