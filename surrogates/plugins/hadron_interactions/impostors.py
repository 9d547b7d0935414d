"""Cheap fakes of interactions, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...noise import fold
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr


def _dealt(truth: xr.Dataset, rows: np.ndarray) -> xr.Dataset:
    return truth.assign({name: truth[name].copy(data=truth[name].values[rows]) for name in OUTPUTS.names})


def _alike(truth: xr.Dataset) -> list[np.ndarray]:
    code = truth["projectile"].values.astype(np.int64) * 10 + truth["target"].values
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def shuffled_energies(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Interactions of the right beam and target, dealt to other energies; momenta are those of their own."""
    generator = np.random.default_rng([seed, 31])
    rows = np.arange(truth.sizes["sample"])
    for group in _alike(truth):
        rows[group] = group[generator.permutation(len(group))]
    return _dealt(truth, rows)


def class_mean(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """For every beam and target the one interaction whose multiplicity is nearest to their mean."""
    rows = np.arange(truth.sizes["sample"])
    counts = truth["n_particles"].values
    for group in _alike(truth):
        rows[group] = group[np.abs(counts[group] - counts[group].mean()).argmin()]
    return _dealt(truth, rows)


def sibyll(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """SIBYLL 2.3d's own interactions; of Fe with O, and below 60 GeV at 60, where SIBYLL ends."""
    from .reference import SIBYLL_ENERGY, HadronReference

    asked = {name: truth[name].values.copy() for name in CONDITIONS.names}
    asked["target"] = np.minimum(asked["target"], 2)
    asked["energy"] = np.maximum(asked["energy"], SIBYLL_ENERGY)
    samples = np.arange(truth.sizes["sample"])
    made = HadronReference("Sibyll23d").sample(CONDITIONS.dataset(asked, samples), seed=fold(seed, "sibyll"))
    return truth.assign({name: truth[name].copy(data=made[name].values) for name in OUTPUTS.names})


IMPOSTORS = {"shuffled energies": shuffled_energies, "class mean": class_mean, "SIBYLL 2.3d": sibyll}
"""Name -> maker of the domain's own impostors."""
