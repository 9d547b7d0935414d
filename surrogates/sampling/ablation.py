"""Units of a network switched off: what each of them draws is seen by leaving it out.

As Bau et al. 2019 (arXiv:1811.10597) do with generators of pictures: a unit's map is the mean change of the pictures.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from ..contract.errors import SchemaError, nearest

if TYPE_CHECKING:
    import xarray as xr

    from .surrogate import Surrogate

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
FEWEST = 4
"""Units below which a layer is an output, not a place of hidden units."""


@dataclasses.dataclass(frozen=True)
class Effects:
    """What fields lose by single units of one layer.

    Attributes
    ----------
    layer : str
    units : ndarray
        Which of its units were switched off, one at a time, (u,).
    change : ndarray
        Root mean square change over samples and places, in standard deviations of the whole fields, (u,).
    where : ndarray
        Mean absolute change over samples, and over colours and other axes, (u, y, x), in units of the field.
    without : ndarray
        The first sample without each unit, (u, …).
    """

    layer: str
    units: np.ndarray
    change: np.ndarray
    where: np.ndarray
    without: np.ndarray


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


def effects(
    surrogate: Surrogate,
    rows: xr.Dataset,
    variable: str,
    layer: str,
    units: Sequence[int] | None = None,
    *,
    seed: int,
) -> Effects:
    """Switch off some units of a layer, one at a time, and see what changes in one output.

    Parameters
    ----------
    surrogate : Surrogate
    rows : Dataset
        Conditions of the samples; a sampling of them for each unit is what this costs.
    variable : str
        An output over (sample, …, y, x), or (sample, y, x, 3).
    layer : str
        One of `layers`.
    units : sequence of int, optional
        All of the layer by default.
    seed : int

    Raises
    ------
    SchemaError
        No such layer, unit or output.
    """
    if variable not in surrogate.outputs.names:
        raise SchemaError.about("variable", variable, f"one of {', '.join(surrogate.outputs.names)}")
    chosen = list(range(layers(surrogate).get(layer, 1))) if units is None else list(units)
    whole = surrogate.sample(rows, seed=seed)[variable].values.astype(np.float64)
    spread = float(np.nanstd(whole)) or 1.0
    change, where, without_it = [], [], []
    for unit in chosen:
        made = without(surrogate, {layer: [unit]}).sample(rows, seed=seed)[variable].values
        apart = np.abs(made - whole)
        change.append(float(np.sqrt(np.nanmean(apart**2))) / spread)
        flat = apart.mean(axis=-1) if is_coloured(apart) else apart
        where.append(flat.reshape(-1, *flat.shape[-2:]).mean(axis=0))
        without_it.append(made[0])
    return Effects(layer, np.array(chosen), np.array(change), np.array(where), np.array(without_it))


def spread_over(known: Mapping[str, int], most: int) -> list[str]:
    """At most so many layers, from the first to the last at equal steps."""
    names = list(known)
    return [names[k] for k in np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))]


def is_coloured(values: np.ndarray) -> bool:
    """Whether fields (n, y, x, 3) end in three colours."""
    return values.ndim == 4 and values.shape[-1] == 3


def _units(module: Any) -> int:
    return module.weight.shape[int("Transpose" in type(module).__name__)]
