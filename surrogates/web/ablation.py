"""Units of a network switched off: what each of them draws is seen by leaving it out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from ..contract.errors import SchemaError, nearest

if TYPE_CHECKING:
    from ..sampling.surrogate import Surrogate

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
FEWEST = 4
"""Units below which a layer is an output, not a place of hidden units."""


def layers(surrogate: Surrogate) -> dict[str, int]:
    """Layers of the model that samples, by name, each with its number of units."""
    found = {}
    for part in surrogate.model.ships:
        for name, module in getattr(surrogate.model, part).named_modules():
            plain = isinstance(module, LAYERS) and not hasattr(module, "parametrizations")
            if plain and (units := _units(module)) >= FEWEST:
                found[".".join(filter(None, (part, name)))] = units
    return found


def without(surrogate: Surrogate, units: Mapping[str, Sequence[int]]) -> Surrogate:
    """The same surrogate with units of some layers giving 0.

    Raises
    ------
    SchemaError
        No such layer, or not so many units in it.
    """
    if not any(units.values()):
        return surrogate
    known = layers(surrogate)
    model: Any = copy.deepcopy(surrogate.model)
    for name, chosen in units.items():
        if name not in known:
            some = ", ".join(list(known)[:4])
            raise SchemaError.about("ablate", f"{name!r} is no layer", f"{some}, …", hint=nearest(name, list(known)))
        beyond = [unit for unit in chosen if not 0 <= unit < known[name]]
        if beyond:
            raise SchemaError.about("ablate", f"unit {beyond[0]} of {name}", f"0 to {known[name] - 1}")
        module = model.get_submodule(name)
        weight, axis = module.weight, int("Transpose" in type(module).__name__)
        weight.data.index_fill_(axis, weight.new_tensor(chosen).long(), 0.0)
        if module.bias is not None:
            module.bias.data.index_fill_(0, weight.new_tensor(chosen).long(), 0.0)
    return dataclasses.replace(surrogate, model=model)


def _units(module: Any) -> int:
    return module.weight.shape[int("Transpose" in type(module).__name__)]
