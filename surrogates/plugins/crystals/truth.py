"""Held-out structures of the Materials Project with what is asked of them, and joint draws of conditions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema, Variable
from ...noise import draws
from ...physics.crystals.elements import MASS_UNIT, MASSES, formula, system
from ...physics.crystals.groups import symbols
from ...physics.crystals.standard import Standard
from .packaged import Library, library
from .variables import CONDITIONS, FORMULA, NUMBERS, OUTPUTS, SITES, SYMBOL, SYSTEM

if TYPE_CHECKING:
    import xarray as xr

ASKED = (
    (),
    ("formula", "space_group"),
    ("chemical_system", "energy_above_hull"),
    ("space_group", "n_atoms"),
    ("energy_above_hull", "band_gap"),
)
"""What is asked together, row by row in turn at random."""


def counts_of(crystal: Standard) -> dict[int, int]:
    """Atoms of each element in the primitive cell."""
    found: dict[int, int] = {}
    for element, place in zip(crystal.elements, crystal.places, strict=True):
        found[element] = found.get(element, 0) + crystal.group.multiplicities[place]
    return found


def codes(texts: list[str], size: int) -> np.ndarray:
    """(n, size) uint8 of texts, padded with 0."""
    out = np.zeros((len(texts), size), dtype=np.uint8)
    for row, text in enumerate(texts):
        out[row, : len(text)] = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return out


def own_conditions(held: Library, rows: np.ndarray) -> dict[str, np.ndarray]:
    """All conditions of some structures: their own properties."""
    crystals = [held.crystals[row] for row in rows]
    counts = [counts_of(crystal) for crystal in crystals]
    return {
        "formula": codes([formula(count) for count in counts], FORMULA),
        "chemical_system": codes([system(count) for count in counts], SYSTEM),
        "space_group": codes([symbols()[crystal.number - 1] for crystal in crystals], SYMBOL),
        "n_atoms": np.array([crystal.atoms for crystal in crystals]),
        "energy_above_hull": held.hull[rows],
        "band_gap": held.gap[rows],
    }


def outputs_of(crystals: list[Standard], formation: np.ndarray, hull: np.ndarray) -> dict[str, np.ndarray]:
    """Output arrays of crystals with their energies."""
    from .codec import atoms_of

    n = len(crystals)
    shapes: dict[str, tuple[int, ...]] = {"position": (SITES, 3)}
    shapes |= dict.fromkeys(("atomic_number", "wyckoff", "orbit"), (SITES,))
    out: dict[str, Any] = {name: np.zeros((n, *shape), dtype=OUTPUTS[name].dtype) for name, shape in shapes.items()}
    out["group_number"] = np.array([crystal.number for crystal in crystals], dtype=np.int64)
    out["n_sites"], out["lattice"] = np.zeros(n, dtype=np.int64), np.zeros((n, 3, 3))
    for row, crystal in enumerate(crystals):
        atoms = atoms_of(crystal)
        out["n_sites"][row], out["lattice"][row] = atoms["n_sites"], atoms["lattice"]
        for name in shapes:
            out[name][row, : len(atoms[name])] = atoms[name]
    out["estimated_formation_energy"], out["estimated_energy_above_hull"] = formation, hull
    return {name: out[name] for name in OUTPUTS.names}


def pool(split: str) -> xr.Dataset:
    """All structures of a split with all that is known of them, for training; the energies are calculated ones."""
    held = library(split)
    rows = np.arange(len(held))
    outputs = OUTPUTS.dataset(outputs_of(list(held.crystals), held.formation, held.hull), rows)
    return outputs.merge(CONDITIONS.dataset(own_conditions(held, rows), rows))


def stated_pool(split: str) -> xr.Dataset:
    """Structures of a split that the GAN has room for, with its five properties."""
    from .gan_codec import ASKED as STATED_CONDITIONS
    from .gan_codec import MOST_SLOTS

    held = library(split)
    rows = np.array([row for row, crystal in enumerate(held.crystals) if crystal.atoms <= MOST_SLOTS])
    outputs = outputs_of([held.crystals[row] for row in rows], held.formation[rows], held.hull[rows])
    return OUTPUTS.dataset(outputs, rows).merge(STATED_CONDITIONS.dataset(stated(held, rows), rows))


def stated(held: Library, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The five properties of some structures."""
    volume, mass = np.zeros(len(rows)), np.zeros(len(rows))
    for k, row in enumerate(rows):
        crystal = held.crystals[row]
        volume[k] = np.linalg.det(crystal.vectors) / crystal.group.cells / crystal.atoms
        mass[k] = sum(MASSES[number - 1] * many for number, many in counts_of(crystal).items()) / crystal.atoms
    return {
        "formation_energy": held.formation[rows],
        "energy_above_hull": held.hull[rows],
        "band_gap": held.gap[rows],
        "density": mass * MASS_UNIT / volume,
        "volume_per_atom": volume,
    }


@cache
def _order(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng([seed, 47]).permutation(n)


def truth(n: int, seed: int) -> xr.Dataset:
    """Held-out structures, drawn without replacement; of each a random subset of its own properties is asked.

    Their energies are the Materials Project's (PBE, PBE+U with its corrections), where a surrogate's are estimates.

    Parameters
    ----------
    n : int
        At most the structures of the test split.
    seed : int
        Of the draw; two seeds draw from the same structures.
    """
    held = library("test")
    if n > len(held):
        raise SchemaError.about("n", f"{n} structures", f"at most {len(held)}, those of the test split", value=n)
    rows = _order(seed, len(held))[:n]
    outputs = outputs_of([held.crystals[row] for row in rows], held.formation[rows], held.hull[rows])
    asked = hidden(own_conditions(held, rows), seed)
    attrs = {"seed": seed, "reference": "Materials Project"}
    return OUTPUTS.dataset(outputs, **attrs).merge(CONDITIONS.dataset(asked))


def hidden(conditions: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Conditions of which a random one of the sets of `ASKED` is left, row by row."""
    n = len(conditions["n_atoms"])
    which = np.floor(draws(seed, np.arange(n)).uniform((), "asked") * len(ASKED)).astype(int)
    kept = {name: np.array([name in ASKED[k] for k in which]) for name in CONDITIONS.names}
    out = {}
    for name, values in conditions.items():
        if name in NUMBERS:
            out[name] = np.where(kept[name], values, CONDITIONS[name].missing)
        else:
            out[name] = values * kept[name][:, None].astype(np.uint8)
    return out


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Conditions of held-out structures, of each a random subset.

    Parameters
    ----------
    schema : Schema
        Of the default. Of the GAN's five properties a random subset is asked; of weights that learned from a user's
        own structures nothing is, for the package does not know them.
    n, seed : int
        Row i depends on (seed, i) alone.
    """
    held = library("valid")
    if "formation_energy" in schema:
        return _stated_prior(schema, n, seed)
    if schema.names != CONDITIONS.names:
        return schema.dataset({variable.name: _nothing(variable, schema, n) for variable in schema})
    uniform = draws(seed, np.arange(n)).uniform((), "structure")
    known = own_conditions(held, np.minimum((uniform * len(held)).astype(int), len(held) - 1))
    asked = hidden(known, seed)
    for name in NUMBERS:
        low, high = schema[name].bounds or (-np.inf, np.inf)
        if name == "n_atoms":
            low, high = np.ceil(low), np.floor(high)
        missing = schema[name].missing
        there = ~np.isnan(asked[name]) if name != "n_atoms" else asked[name] != missing
        asked[name] = np.where(there, np.clip(asked[name], low, high), missing)
    return schema.dataset(asked)


def _stated_prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """The five properties of held-out structures, a random part of them hidden."""
    held, chance = library("valid"), draws(seed, np.arange(n))
    rows = np.minimum((chance.uniform((), "structure") * len(held)).astype(int), len(held) - 1)
    found, kept = stated(held, rows), chance.uniform((len(schema.names),), "asked") < 0.6
    for k, name in enumerate(schema.names):
        low, high = schema[name].bounds or (-np.inf, np.inf)
        found[name] = np.where(kept[:, k], np.clip(found[name], low, high), np.nan)
    return schema.dataset({name: found[name] for name in schema.names})


def _nothing(variable: Variable, schema: Schema, n: int) -> np.ndarray:
    sizes = {dimension.name: dimension.size for dimension in schema.dimensions}
    shape = (n, *(sizes[name] for name in variable.dims))
    return np.full(shape, 0 if variable.text else variable.missing, dtype=variable.dtype)  # type: ignore[arg-type]
