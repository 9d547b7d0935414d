"""Law: what a domain keeps, declared from a residual function of `surrogates.physics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import PluginError

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

STRENGTHS = ("construction", "projection", "penalty")
"""How a law is kept, the surest way first: samples cannot break it, a map in decode restores it, the loss asks it."""


@dataclass(frozen=True)
class Law:
    """A law of the domain; a residual of 0 means that it holds.

    Attributes
    ----------
    name : str
        Names the residual's attribute in files.
    residual : callable
        (outputs, conditions) -> one differentiable float64 value a sample, (n,).
    tolerance : float
        Largest residual of a law that holds, in `units`.
    strength : {"construction", "projection", "penalty"}
    units : str
        Of the residual.

    Raises
    ------
    PluginError
        Another strength, or a tolerance that is negative or not a number.

    Examples
    --------
    >>> from functools import partial
    >>> from surrogates.physics.molecules.laws import interval_order
    >>> law = Law("gap_interval", partial(interval_order, of="gap"), 1e-9, units="eV")
    """

    name: str
    residual: Callable[[Tensors, Tensors], Tensor]
    tolerance: float
    strength: str = "construction"
    units: str = "1"

    def __post_init__(self) -> None:
        if self.strength not in STRENGTHS:
            raise PluginError(f"law {self.name!r}: strength {self.strength!r}; expected one of {', '.join(STRENGTHS)}")
        if not self.tolerance >= 0.0:
            raise PluginError(f"law {self.name!r}: tolerance {self.tolerance!r}; expected 0 or more")
