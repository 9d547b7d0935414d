"""The one root of errors, and those of the whole house: one line that says what was asked, found and to be done.

Other errors stand with what raises them (`surrogates.io.FormatError`, `surrogates.training.pools.PoolError`, ...) and
all descend from `SurrogatesError`. Any other exception that leaves this package is a bug of ours, reported as one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Self


class SurrogatesError(Exception):
    """Something that the caller can put right.

    Parameters
    ----------
    message : str
        One line.
    variable : str, optional
        What the message is about.
    value : optional
        What it was.
    expected : str, optional
        What it should have been.
    """

    def __init__(
        self, message: str = "", *, variable: str | None = None, value: Any = None, expected: str | None = None
    ) -> None:
        super().__init__(message)
        self.variable, self.value, self.expected = variable, value, expected

    def reworded(self, message: str) -> Self:
        """The same error about the same value in other words."""
        return type(self)(message, variable=self.variable, value=self.value, expected=self.expected)


class PluginError(SurrogatesError):
    """A plugin that is unknown, declared twice, or broken."""


class WeightsError(SurrogatesError):
    """Weights that are missing, altered, or made for another plugin, recipe or version."""


class SimulatorMissing(SurrogatesError):
    """A reference simulator that does not exist for a plugin or is not installed."""


class SchemaError(SurrogatesError, ValueError):
    """A value that does not fit the schema."""

    @classmethod
    def about(cls, variable: str, found: str, expected: str, *, value: Any = None, hint: str = "") -> SchemaError:
        """The error whose line is ``variable: found; expected expected`` and whose fields say the same."""
        return cls(f"{variable}: {found}; expected {expected}{hint}", variable=variable, value=value, expected=expected)


def nearest(name: str, known: Iterable[Any]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name closest to `name`, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.4)
    return f" (did you mean {close[0]!r}?)" if close else ""
