"""Pythia as a Simulator, and the prior over its conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ...contract.schema import Schema
from ...noise import fold
from . import simulation
from .schema import CONDITIONS, HELD_OUT, HELD_OUT_MARGIN, OUTPUTS, SIMULATED

BLOCK = 500  # consecutive samples of the prior that share an energy: Pythia initialises once for each


class PythiaReference:
    """Pythia 8.317, e+e- -> tau+ tau- with spin-correlated decays.

    Parameters
    ----------
    correlated : bool
        False switches to isotropic, uncorrelated tau decays (``TauDecays:mode = 0``): fast, and wrong in the spins.
    batched : bool
        Generate each group of equal conditions in one call, seeded once: Pythia at its fastest, for benchmarks.

    Notes
    -----
    Unless batched, the generator is re-seeded for each sample with (seed, sample): rows do not depend on one another.
    """

    conditions = SIMULATED
    outputs = OUTPUTS

    def __init__(self, correlated: bool = True, batched: bool = False) -> None:
        self.correlated, self.batched = correlated, batched

    def __repr__(self) -> str:
        return f"PythiaReference(correlated={self.correlated}, batched={self.batched})"

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate one event for each row of `conditions`.

        Parameters
        ----------
        conditions : xarray.Dataset
            `energy` [GeV], `initial_state_radiation`, `asked_decay_minus`, `asked_decay_plus` along `sample`.
        seed : int

        Returns
        -------
        xarray.Dataset
            Conditions and outputs.
        """
        names = CONDITIONS.names
        keys = np.stack([np.asarray(conditions[name].values, dtype=np.float64) for name in names], axis=1)
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        arrays: dict[str, np.ndarray] = {}
        if len(samples):
            distinct, group = np.unique(keys, axis=0, return_inverse=True)
            group = group.reshape(-1)
            parts = []
            order = np.argsort(group, kind="stable")
            for index, key in enumerate(distinct):
                rows = order[group[order] == index]
                parts.append(self._run(key, samples[rows], seed))
            back = np.argsort(order, kind="stable")
            arrays = {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
        else:
            arrays = _empty()
        values = {name: conditions[name].values for name in names} | arrays
        return _dataset(values, samples)

    def _run(self, key: np.ndarray, samples: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        energy, radiation, minus, plus = key
        lines = simulation.settings(float(energy), bool(radiation), 1) + simulation.forced(int(minus), int(plus))
        if not self.correlated:
            lines.append("TauDecays:mode = 0")
        instance = simulation.pythia(lines)
        if self.batched:
            instance.rndm.init(1 + fold(seed, int(samples[0])) % 899_999_999)
            return simulation.events(instance.nextBatch(len(samples)))
        return simulation.collect(instance, [fold(seed, int(sample)) for sample in samples])


def _empty() -> dict[str, np.ndarray]:
    sizes = {dimension.name: dimension.size for dimension in OUTPUTS.dimensions}
    return {v.name: np.zeros((0, *(sizes[d] or 0 for d in v.dims)), v.dtype) for v in OUTPUTS}


def _dataset(values: dict[str, Any], samples: np.ndarray) -> xr.Dataset:
    both = Schema(CONDITIONS.variables + OUTPUTS.variables, OUTPUTS.dimensions)
    return both.dataset({name: values[name] for name in both.names}, samples)


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Energies log-uniform over the range, a quarter around the Z; blocks share an energy, radiation alternates.

    Energies within 2 GeV of the held-out 29, 58, 133 and 207 GeV are never drawn.
    """
    low, high = schema["energy"].bounds or (10.6, 250.0)
    blocks = -(-n // BLOCK)
    energies = np.empty(blocks)
    for block in range(blocks):
        rng = np.random.default_rng([abs(int(seed)), block])
        while True:
            near_z = rng.random() < 0.25 and low < 88.0 and high > 95.0
            energy = rng.uniform(88.0, 95.0) if near_z else np.exp(rng.uniform(np.log(low), np.log(high)))
            if all(abs(energy - held) >= HELD_OUT_MARGIN for held in HELD_OUT):
                break
        energies[block] = round(float(np.clip(energy, low, high)), 4)
    which = np.arange(n) // BLOCK
    free = np.full(n, -1)
    return schema.dataset(
        {
            "energy": energies[which],
            "initial_state_radiation": which % 2,
            "asked_decay_minus": free,
            "asked_decay_plus": free,
        }
    )


def truth(n: int, seed: int) -> xr.Dataset:
    """Conditions from the prior and Pythia's events for them."""
    return PythiaReference().sample(prior(CONDITIONS, n, seed), seed=seed)
