"""Cheap fakes of crystals, which the figures must fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...physics.crystals.standard import Standard
from .packaged import library
from .truth import outputs_of
from .variables import OUTPUTS, SITES

if TYPE_CHECKING:
    import xarray as xr


def noisy_copies(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Training structures whose atoms are moved by 0.02 angstrom: neither new nor symmetric."""
    generator = np.random.default_rng([seed, 41])
    held = library("train").crystals
    chosen = [held[k] for k in generator.choice(len(held), truth.sizes["sample"], replace=False)]
    changed = _with(truth, chosen)
    moves = 0.02 * generator.standard_normal((len(chosen), SITES, 3))
    fractional = np.einsum("nsk,nkj->nsj", moves, np.linalg.inv(changed["lattice"].values))
    return changed.assign(position=changed["position"] + fractional)


def random_coordinates(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The truth's Wyckoff positions with free coordinates drawn evenly: random Wyckoff filling at the right volume."""
    generator = np.random.default_rng([seed, 42])
    made = [replace(crystal, free=generator.random(crystal.free.shape)) for crystal in _crystals(truth)]
    return _with(truth, made)


def shuffled_elements(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The truth's structures with elements replaced by others at random: right geometry, wrong chemistry and size."""
    generator = np.random.default_rng([seed, 43])
    made = []
    pool = np.concatenate([np.asarray(crystal.elements) for crystal in _crystals(truth)])
    for crystal in _crystals(truth):
        kinds = list(dict.fromkeys(crystal.elements))
        new = dict(zip(kinds, generator.choice(np.unique(pool), len(kinds), replace=False).tolist(), strict=True))
        made.append(replace(crystal, elements=tuple(new[element] for element in crystal.elements)))
    return _with(truth, made)


def _crystals(truth: xr.Dataset) -> list[Standard]:
    from .codec import crystals_of

    return crystals_of({name: truth[name].values for name in OUTPUTS.names})


def _with(truth: xr.Dataset, crystals: list[Standard]) -> xr.Dataset:
    unknown = np.full(len(crystals), np.nan)
    return truth.assign(OUTPUTS.dataset(outputs_of(crystals, unknown, unknown), truth["sample"].values))


IMPOSTORS = {
    "copies + 0.02 angstrom": noisy_copies,
    "random coordinates": random_coordinates,
    "shuffled elements": shuffled_elements,
}
"""Name -> maker of the domain's own impostors."""
