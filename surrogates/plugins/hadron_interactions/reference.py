"""UrQMD behind the call of a surrogate, SIBYLL as the cheap alternative, the prior, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from ...contract.errors import SurrogatesError
from ...contract.schema import Schema
from ...noise import draws, fold
from . import urqmd
from .variables import CAP, CONDITIONS, OUTPUTS

TRAINING_SEED = 20_250_711
"""Seed of the interactions that the shipped weights learned from."""

SIBYLL_ENERGY = 60.0
"""GeV above which SIBYLL 2.3d makes interactions; its nuclei have 20 nucleons at most."""


@dataclass(frozen=True)
class HadronReference:
    """UrQMD 3.4 of chromo 0.11: one inelastic interaction of a hadron with a nucleon or nucleus at rest.

    Attributes
    ----------
    model : {"UrQMD34", "Sibyll23d"}
        SIBYLL 2.3d (Riehn et al. 2020, Phys. Rev. D 102, 063002) is faster and another physics: see the documentation.
    """

    model: str = "UrQMD34"
    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate one interaction for each row.

        Parameters
        ----------
        conditions : Dataset
            `projectile`, `energy` [GeV] and `target` along `sample`.
        seed : int
            A row's generator is seeded by (seed, its `sample`) alone.

        Returns
        -------
        Dataset
            Conditions and outputs. What the generator's process spends is added to `contract.simulator.ELSEWHERE`.

        Raises
        ------
        SurrogatesError
            chromo is not installed, or an interaction has more than 256 entries.
        """
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        asked = {name: np.asarray(conditions[name].values) for name in CONDITIONS.names}
        rows = [
            (int(p), float(e), int(t), fold(seed, int(s)))
            for p, e, t, s in zip(asked["projectile"], asked["energy"], asked["target"], samples, strict=True)
        ]
        flat = urqmd.interactions(rows, self.model)
        both = Schema(CONDITIONS.variables + OUTPUTS.variables, OUTPUTS.dimensions)
        found = both.dataset(asked | padded(flat), samples)
        return found.assign_attrs(
            seed=seed,
            reference=f"{self.model} of chromo {version('chromo')}",
        )


def padded(flat: dict[str, Any]) -> dict[str, np.ndarray]:
    """Output arrays (n, 256) of flat columns."""
    count = flat["count"]
    if len(count) and count.max() > CAP:
        raise SurrogatesError(f"n_particles = {count.max()}: expected {CAP} at most; choose another seed")
    event = np.repeat(np.arange(len(count)), count)
    slot = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    arrays: dict[str, np.ndarray] = {"n_particles": count}
    for variable in OUTPUTS:
        if variable.name != "n_particles":
            arrays[variable.name] = np.zeros((len(count), CAP), variable.dtype)
            arrays[variable.name][event, slot] = flat[variable.name]
    return arrays


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Projectiles and targets alike, energies log-uniform; row i depends on (seed, i) alone."""
    uniform = draws(seed, np.arange(n)).uniform((3,), "prior")
    low, high = schema["energy"].bounds or (20.0, 10_000.0)
    codes = {
        name: np.minimum((uniform[:, k] * size).astype(np.int64), size - 1)
        for k, name in ((0, "projectile"), (1, "target"))
        for size in [len(schema[name].categories or ())]
    }
    energy = np.clip(low * (high / low) ** uniform[:, 2], low, high)
    return schema.dataset({"projectile": codes["projectile"], "energy": energy, "target": codes["target"]})


def truth(n: int, seed: int) -> xr.Dataset:
    """Conditions from the prior and UrQMD's interactions for them."""
    return HadronReference().sample(prior(CONDITIONS, n, seed), seed=seed)
