"""Checks that each bad input is an error of one line that names the variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract.errors import SchemaError
from ..contract.schema import Schema
from ..sampling.request import ask
from .subject import Subject


@dataclass(frozen=True)
class BadInput:
    """A call that must be refused, and the word that its error must name."""

    what: str
    names: str
    n: Any
    values: dict[str, Any]


def bad_inputs(schema: Schema, good: dict[str, Any]) -> Iterator[BadInput]:
    """Wrong calls against conditions of which `good` is a right one."""
    yield BadInput("negative n", "n", -1, good)
    yield BadInput("n that is no integer", "n", 2.5, good)
    yield BadInput("unknown condition", "no_such_condition", 2, {**good, "no_such_condition": 1.0})
    for variable in schema:
        name, others = variable.name, {key: value for key, value in good.items() if key != variable.name}
        if not variable.optional and variable.default is None:
            yield BadInput("missing condition", name, 2, others)
        yield BadInput(
            "wrong length", name, 2, {**others, name: np.stack([good.get(name, np.array(variable.missing))] * 3)}
        )
        if variable.categories is not None:
            yield BadInput("unknown label", name, 2, {**others, name: "no_such_label"})
            yield BadInput("unknown code", name, 2, {**others, name: len(variable.categories)})
            continue
        if variable.text:
            size = schema.dimension(variable.dims[-1]).size
            yield BadInput("a character that is not ASCII", name, 2, {**others, name: "\u00e9"})
            yield BadInput("a number in place of text", name, 2, {**others, name: 1.5})
            if not variable.optional:
                yield BadInput("empty text", name, 2, {**others, name: ["", "a"]})
            if size is not None:
                yield BadInput("text that is too long", name, 2, {**others, name: "a" * (size + 1)})
        if variable.dims:
            continue
        dimension = "kg" if variable.units != "kg" else "s"
        yield BadInput("wrong unit dimension", name, 2, {**others, name: f"1 {dimension}"})
        yield BadInput("unknown unit", name, 2, {**others, name: "1 no_such_unit"})
        yield BadInput("text that is no number", name, 2, {**others, name: "many"})
        yield BadInput("infinity", name, 2, {**others, name: np.inf})
        if not (variable.optional and np.dtype(variable.dtype).kind in "iu"):  # there NaN is "not asked"
            yield BadInput("NaN", name, 2, {**others, name: np.nan})
        if variable.bounds is not None:
            low, high = variable.bounds
            beyond = 0.01 * (high - low) or 1.0  # one value alone may be allowed
            yield BadInput("below the range", name, 2, {**others, name: low - beyond})
            yield BadInput("above the range", name, 2, {**others, name: high + beyond})


def _asked(schema: Schema, row: Any) -> dict[str, Any]:
    """The first row's conditions, without those that it does not ask."""
    first = {variable: row[variable.name].values[0] for variable in schema}
    return {
        variable.name: value
        for variable, value in first.items()
        if not (variable.optional and not variable.dims and (value != value or value == variable.missing))
    }


def check_bad_inputs_are_named(subject: Subject) -> None:
    """Unknown, missing, ill-shaped, wrong-unit, NaN, infinite and out-of-range values each raise a clear error."""
    schema = subject.plugin.conditions
    good = _asked(schema, subject.plugin.prior(schema, 1, subject.seed))
    ask(schema, 2, good).check()
    for bad in bad_inputs(schema, good):
        try:
            ask(schema, bad.n, bad.values).check()
        except SchemaError as error:
            assert str(error).startswith(f"{bad.names}:"), (
                f"{bad.what}: the error does not lead with {bad.names!r}: {error}"
            )
            assert "\n" not in str(error), f"{bad.what}: the error has several lines: {error}"
        else:
            raise AssertionError(f"{bad.names}: {bad.what} was accepted")


def check_surrogate_refuses_bad_inputs(subject: Subject, recipe: str) -> None:
    """The released surrogate refuses what its schema refuses, before anything is computed."""
    surrogate = subject.surrogate(recipe)
    good = _asked(surrogate.conditions, subject.asked(recipe, 1))
    for bad in bad_inputs(surrogate.conditions, good):
        try:
            surrogate.sample(bad.n, seed=subject.seed, **bad.values)
        except SchemaError as error:
            assert str(error).startswith(f"{bad.names}:"), (
                f"{bad.what}: the error does not lead with {bad.names!r}: {error}"
            )
        else:
            raise AssertionError(f"{bad.names}: {bad.what} was accepted")
