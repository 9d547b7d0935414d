"""Constraint: a law of the domain, as every plugin declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = dict[str, Tensor]


class Constraint(Protocol):
    """A law of the domain; a residual of 0 means that it holds."""

    @property
    def name(self) -> str:
        """Names the residual's attribute in files."""
        ...

    @property
    def units(self) -> str:
        """Of the residual."""
        ...

    @property
    def strength(self) -> str:
        """ "construction", "projection" or "penalty"."""
        ...

    @property
    def tolerance(self) -> float:
        """Largest residual of a law that holds."""
        ...

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """One differentiable float64 value a sample."""
        ...
