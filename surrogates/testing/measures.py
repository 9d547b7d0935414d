"""Checks that a plugin's measures are reproducible, pass the truth and fail every impostor."""

from __future__ import annotations

import math

from ..measuring import impostors
from .subject import Subject

MARGIN = 3.0
"""An impostor is caught where a figure is larger than this many times what two truths show.

Two truths of a plugin that has one answer for each condition agree: there it is caught where it misses a figure's
limit.
"""


def check_measure_is_deterministic(subject: Subject) -> None:
    """Equal samples give equal, finite figures."""
    first, second = subject.two_truths
    figures = subject.plugin.measure(first, second)
    assert figures, "measure: no figures"
    for name, value in figures.items():
        assert isinstance(value, float) and math.isfinite(value), (
            f"{name}: {value!r} on the truth; expected a finite float"
        )
    again = subject.plugin.measure(first, second)
    changed = [name for name, value in figures.items() if again.get(name) != value]
    assert not changed, f"{changed[0]}: {figures[changed[0]]!r}, then {again.get(changed[0])!r} for the same samples"


def check_measure_fails_noise(subject: Subject) -> None:
    """Numbers with the right mean and spread and nothing else are caught."""
    caught(subject, "noise", impostors.noise(subject.plugin, subject.two_truths[1], subject.seed))


def check_measure_fails_a_memoriser(subject: Subject) -> None:
    """Thirty samples repeated are caught."""
    caught(subject, "a memoriser of 30", impostors.memoriser(subject.plugin, subject.two_truths[1], subject.seed))


def check_measure_fails_wrong_conditions(subject: Subject) -> None:
    """Right outputs under other rows' conditions are caught."""
    caught(subject, "wrong conditions", impostors.wrong_condition(subject.plugin, subject.two_truths[1], subject.seed))


def check_measure_fails_impostor(subject: Subject, impostor: str) -> None:
    """The domain's own cheap fake is caught."""
    caught(subject, impostor, subject.plugin.impostors[impostor](subject.two_truths[1], subject.seed))


def caught(subject: Subject, name: str, fake) -> None:
    """Raise AssertionError where no figure of `fake` exceeds its floor by the margin."""
    floors, values = subject.floors, subject.plugin.measure(fake, subject.two_truths[0])
    ratios = {figure: _excess(subject, figure, values[figure], floors[figure]) for figure in values if figure in floors}
    largest = max(ratios, key=lambda figure: ratios[figure])
    assert ratios[largest] > MARGIN, (
        f"{name}: passes at n = {subject.measured_samples}; its worst figure, {largest}, is {values[largest]:.3g} "
        f"where the truth shows {floors[largest]:.3g}"
    )


def _rises(subject: Subject, figure: str) -> bool:
    target = subject.plugin.targets.get(figure)
    return target is None or target.at_least is None


def _excess(subject: Subject, figure: str, value: float, floor: float) -> float:
    target = subject.plugin.targets.get(figure)
    if not math.isfinite(value):
        return math.inf
    if not subject.plugin.stochastic:
        limit = target.at_most if target is not None else None
        return MARGIN * value / limit if limit else 0.0
    if _rises(subject, figure):
        return value / max(abs(floor), 1e-9)
    return abs(floor) / max(abs(value), 1e-9)
