"""A plugin as JSON: JSON Schema of what may be asked, and all that a page needs to build its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import registry
from ..contract.errors import PluginError, SurrogatesError
from ..release.headlines import headlines, own_rate
from ..sampling.files import formats_of
from .arrays import plain

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..contract.schema import Schema, Variable
    from ..release.cards import Card

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
MOST_FIRST, FIRST_SECONDS = 4, 0.08


def listed() -> list[dict[str, Any]]:
    """Every installed plugin, those that do not open with the reason."""
    return [_row(entry.name) for entry in registry.plugins()]


def _row(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "title": "", "models": [], "missing": None}
    try:
        plugin = registry.plugin(name)
        cards = registry.entry(name).cards()
    except (SurrogatesError, ImportError) as error:
        return {**row, "missing": f"{error}"}
    row |= {"title": plugin.title, "models": [card.recipe for card in cards], "extra": plugin.extra}
    return row if cards else {**row, "missing": f"{name}: no released weights; train them: surrogates train {name}"}


def described(name: str) -> dict[str, Any]:
    """One plugin: conditions with the trained ranges of its default model, outputs, models with their headlines.

    Raises
    ------
    PluginError
        No such plugin, or one without weights.
    """
    plugin, cards = registry.plugin(name), registry.entry(name).cards()
    if not cards:
        raise PluginError(f"{name}: no released weights; train them with `surrogates train {name}`")
    return {
        "name": plugin.name,
        "title": plugin.title,
        "conditions": [
            {**_variable(variable), "trained": plain(list(cards[0].trained_range.get(variable.name, ())))}
            for variable in cards[0].described(plugin).conditions
        ],
        "outputs": [_variable(variable) for variable in cards[0].described(plugin).outputs],
        "dimensions": [
            {"name": dimension.name, "size": dimension.size, "count": dimension.count}
            for dimension in (*plugin.conditions.dimensions, *plugin.outputs.dimensions)
        ],
        "laws": [{"name": law.name, "units": law.units, "tolerance": law.tolerance} for law in plugin.constraints],
        "models": [_model(card) for card in cards],
        "formats": [
            {
                "name": entry.name,
                "suffix": entry.suffixes[0],
                "description": entry.description,
                "one_sample": entry.one_sample_a_file,
            }
            for entry in formats_of(plugin)
        ],
        "reference": plugin.reference is not None,
        "first": first_size(cards[0]),
        "extra": plugin.extra,
    }


def request_schema(plugin: Plugin, most_samples: int) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the body of a request for samples."""
    return {
        "$schema": JSON_SCHEMA,
        "title": plugin.title or plugin.name,
        "type": "object",
        "additionalProperties": False,
        "required": ["seed"],
        "properties": {
            "n": {"type": "integer", "minimum": 0, "maximum": most_samples, "default": 1},
            "seed": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            "first": {"type": "integer", "default": 0, "description": "identity of the first sample"},
            "samples": {"type": "array", "items": {"type": "integer"}, "description": "identities, one a row"},
            "model": {"enum": list(plugin.recipes)},
            "format": {"enum": [entry.name for entry in formats_of(plugin)], "default": "netcdf"},
            "exact": {
                "type": "boolean",
                "default": False,
                "description": "arrays with the bits of a call in Python, never computed together with other requests",
            },
            "ablate": {
                "type": "object",
                "description": "units of the model's layers that give 0, by the layer's name",
                "additionalProperties": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            },
            "conditions": {
                "type": "object",
                "additionalProperties": False,
                "required": [v.name for v in plugin.conditions if not v.optional and v.default is None],
                "properties": {variable.name: _property(variable) for variable in plugin.conditions},
            },
        },
    }


def _property(variable: Variable) -> dict[str, Any]:
    about = f"{variable.long_name} [{variable.units}]; {variable.describe_range()}"
    if variable.dims and not variable.text:
        return {"description": f"{about}; nested lists, or what /fields answered", "type": ["array", "object"]}
    one: dict[str, Any] = {"description": about}
    if variable.categories or variable.text:
        one |= {"type": "string"} | ({"enum": list(variable.categories)} if variable.categories else {})
    else:
        number: dict[str, Any] = {"type": "number"}
        if variable.bounds is not None:
            number |= {"minimum": variable.bounds[0], "maximum": variable.bounds[1]}
        one |= {"anyOf": [number, {"type": "string", "description": "a number with its units, 91.2 GeV"}]}
    if variable.default is not None:
        one["default"] = plain(np.asarray(variable.default).item())
    return {"anyOf": [one, {"type": "array", "items": one, "description": "one a sample"}], "description": about}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "long_name": variable.long_name,
        "units": variable.units,
        "dims": list(variable.dims),
        "bounds": plain(variable.bounds),
        "categories": plain(variable.categories),
        "optional": variable.optional,
        "default": plain(variable.default),
        "text": variable.text,
        "integer": np.dtype(variable.dtype).kind in "iu" and variable.categories is None and not variable.text,
        "range": variable.describe_range(),
    }


def _model(card: Card) -> dict[str, Any]:
    return {
        "recipe": card.recipe,
        "use": card.use,
        "baseline": card.baseline,
        "headlines": [{"value": value, "text": text} for value, text in headlines(card).shown()],
        "figures": [_finding(finding) for finding in _worst_first(card)],
        "worthwhile_from": card.worthwhile_from,
        "bytes": card.bytes,
    }


def first_size(card: Card) -> int:
    """Samples of a first picture: what appears as a slider is moved."""
    rate = own_rate(card)
    return MOST_FIRST if rate is None else max(1, min(MOST_FIRST, int(rate * FIRST_SECONDS)))


def _worst_first(card: Card) -> list[Any]:
    return sorted(card.findings, key=lambda finding: (finding.passed is not False, finding.passed is None))


def _finding(finding: Any) -> dict[str, Any]:
    return plain(
        {
            "name": finding.name,
            "text": finding.description,
            "value": finding.value,
            "floor": finding.floor,
            "limit": finding.limit,
            "units": finding.units,
            "met": finding.passed,
        }
    )


def example_conditions(schema: Schema) -> dict[str, Any]:
    """Values in the middle of what may be asked, for a first picture; what has none is left out."""
    values: dict[str, Any] = {}
    for variable in schema:
        if variable.dims:
            continue
        if variable.default is not None:
            values[variable.name] = plain(np.asarray(variable.default).item())
        elif variable.categories and not variable.optional:
            values[variable.name] = variable.categories[0]
        elif variable.bounds is not None and not variable.optional:
            middle = 0.5 * (variable.bounds[0] + variable.bounds[1])
            values[variable.name] = round(middle) if np.dtype(variable.dtype).kind in "iu" else float(f"{middle:.4g}")
    return values
