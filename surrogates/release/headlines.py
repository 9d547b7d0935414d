"""The five numbers that tell in seconds whether weights are good enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..contract.findings import Finding
from .cards import Card

CLASSIFIER = "auc_"
MEMORISATION = "memorisation"


@dataclass(frozen=True)
class Headlines:
    """What a reader wants to know of a card first; None where it was not measured.

    Attributes
    ----------
    classifier : Finding, optional
        The two-sample classifier that tells samples from the truth best, of the card's plain figures: 0.5 is a coin.
    speed_up : float, optional
        Samples per CPU-second on one core, in units of the reference's in the same run.
    law : (str, float, float), optional
        The law whose residual is largest in units of its tolerance: name, residual, tolerance.
    memorisation : Finding, optional
        The card's first figure of samples that repeat the training data.
    met, asked : int
        Figures that reach what was asked, and figures of which something was asked.
    """

    classifier: Finding | None
    speed_up: float | None
    law: tuple[str, float, float] | None
    memorisation: Finding | None
    met: int
    asked: int

    def shown(self) -> tuple[tuple[str, str], ...]:
        """(value, what it is) of each headline, in words."""
        return (
            (_classifier(self.classifier), "classifier AUC, floor in brackets (0.5: cannot tell)"),
            (_speed(self.speed_up), "the reference's speed, one core"),
            (_law(self.law), "worst law and its residual"),
            (_memory(self.memorisation), "repeats training data"),
            (f"{self.met} of {self.asked}" if self.asked else "none asked", "required figures met"),
        )


def headlines(card: Card) -> Headlines:
    """The headline numbers of a card."""
    classifiers = [finding for finding in card.findings if finding.name.startswith(CLASSIFIER)]
    remembered = [finding for finding in card.findings if finding.name.rpartition("/")[2] == MEMORISATION]
    asked = [finding for finding in card.findings if finding.passed is not None]
    return Headlines(
        max(classifiers, key=lambda finding: finding.value - (finding.floor or 0.5), default=None),
        speed_up(card),
        max(((name, *pair) for name, pair in card.laws.items()), key=_strain, default=None),
        remembered[0] if remembered else None,
        len(asked) - len(card.unmet),
        len(asked),
    )


def own_rate(card: Card) -> float | None:
    """Samples per CPU-second of the card's model on one core; None where it was not timed."""
    rates = _rates(card)
    return rates.get(f"surrogate, recipe {card.recipe}", rates.get("surrogate"))


def speed_up(card: Card) -> float | None:
    """How many times the reference's samples per CPU-second the card's model makes on one core; None: not measured."""
    own, reference = own_rate(card), _rates(card).get("reference")
    return None if own is None or reference is None else own / reference


def _rates(card: Card) -> dict[str, float]:
    return {speed.side: speed.rate for speed in reversed(card.speed) if speed.threads == 1}


def _strain(law: tuple[str, float, float]) -> tuple[float, float]:
    """The residual in units of its tolerance, and the residual; a law that allows nothing is broken by anything."""
    _, residual, tolerance = law
    return (residual / tolerance if tolerance else math.inf if residual else 0.0), residual


def _speed(ratio: float | None) -> str:
    if ratio is None:
        return "not measured"
    return f"{ratio:,.0f} x" if ratio >= 10 else f"{ratio:.2g} x"


def _classifier(finding: Finding | None) -> str:
    if finding is None:
        return "not measured"
    floor = "" if finding.floor is None else f" ({finding.floor:.2f})"
    return f"{finding.value:.2f}{floor}"


def _law(law: tuple[str, float, float] | None) -> str:
    if law is None:
        return "not measured"
    name, residual, tolerance = law
    return f"{'kept' if residual <= tolerance else 'broken'}, {residual:.1g} ({name.replace('_', ' ')})"


def _memory(finding: Finding | None) -> str:
    return "not measured" if finding is None else f"{finding.value:.2g}"
