"""Target, Finding and Anchor: what a figure should reach, what was measured, and what others published."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Target:
    """What a figure should reach.

    A figure passes when it is <= `at_most`, and <= `floors` times its truth-against-truth floor; None is not asked.
    """

    n: int
    at_most: float | None = None
    at_least: float | None = None
    floors: float | None = None
    units: str = "1"
    description: str = ""


@dataclass(frozen=True)
class Finding:
    """One measured figure beside what it should reach.

    Attributes
    ----------
    name : str
    value : float
    floor : float, optional
        The same figure between two independent truth draws of the same size.
    limit : float, optional
        What `value` should stay below (`relation` "<=") or above (">=").
    n : int
        Samples on each side.
    error : float, optional
        Bootstrapped standard error of `value`.
    units : str
    passed : bool, optional
        None where nothing was asked, or where n samples cannot tell (`undecided`).
    relation : {"<=", ">="}
    description : str
    """

    name: str
    value: float
    floor: float | None = None
    limit: float | None = None
    n: int = 0
    error: float | None = None
    units: str = "1"
    passed: bool | None = None
    relation: str = "<="
    description: str = ""

    @classmethod
    def against(
        cls, name: str, value: float, target: Target, *, n: int, floor: float | None = None, error: float | None = None
    ) -> Finding:
        """Hold a figure against its target.

        The limit of a figure is the strictest of `target.at_most` and `target.floors` times its floor, or
        `target.at_least`; a figure that is not finite, or whose floor is asked for and missing, is not met. Nothing is
        decided where the truth itself, at n samples, lies beyond the limit on average and the figure is as near to the
        limit as chance takes it: two standard errors, or two floors where the error is not known.
        """
        plain = cls(name, value, floor, None, n, error, target.units, description=target.description)
        if target.at_least is not None:
            passed = bool(math.isfinite(value) and value >= target.at_least)
            return replace(plain, limit=target.at_least, passed=passed, relation=">=")
        limits = [target.at_most] if target.at_most is not None else []
        if target.floors is not None:
            limits.append(target.floors * floor if floor is not None else -math.inf)
        if not limits:
            return plain
        limit = min(limits)
        passed = bool(math.isfinite(value) and value <= limit)
        if floor is not None and math.isfinite(value) and floor > limit > -math.inf:
            reach = 2.0 * (floor if error is None or not math.isfinite(error) else error)
            if abs(value - limit) <= reach:
                return replace(plain, limit=limit, passed=None)
        return replace(plain, limit=limit if math.isfinite(limit) else None, passed=passed)

    @property
    def undecided(self) -> bool:
        """Whether a limit was asked and n samples are too few to tell."""
        return self.passed is None and self.limit is not None

    @property
    def verdict(self) -> str:
        """ "met", "not met (why)", "undecided at this n" or "not asked"."""
        if self.passed is None:
            return "undecided at this n" if self.undecided else "not asked"
        if self.passed:
            return "met"
        if not math.isfinite(self.value):
            return "not met (no finite value)"
        if self.limit is None:
            return "not met (no floor measured)"
        opposite = ">" if self.relation == "<=" else "<"
        return f"not met ({self.value:.3g} {opposite} {self.limit:.3g})"


@dataclass(frozen=True)
class Anchor:
    """A published figure printed for context, never as a claim on the same data."""

    figure: str
    value: str
    source: str
