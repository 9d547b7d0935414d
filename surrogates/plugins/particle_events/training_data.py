"""Training data simulated once, in resumable shards: production and decay pools, and whole events for the GAN."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...counting import counted
from ...training.simulated import kept
from . import training_pools
from .schema import CONDITIONS, ENERGY_RANGE, HELD_OUT, HELD_OUT_MARGIN

STRATA = 128  # of the logarithm of the energy
PRODUCTION_SHARDS = 45  # for radiation off and on each, strata in bit-reversed order
PRODUCTION_EVENTS = 5000
DECAY_EVENTS = 500
_FIRST_DECAY_SEED = 77_000_001

# Relative rates of channels simulated together, and how many shards of either polarisation.
DECAY_GROUPS: tuple[tuple[dict[int, float], int], ...] = (
    ({4: 1.0}, 24),
    ({2: 0.5, 3: 0.5}, 24),
    ({10: 1.0}, 24),
    ({9: 1.0}, 24),
    ({21: 1.0}, 24),
    ({22: 1.0}, 14),
    ({8: 0.2, 7: 0.2, 5: 0.1, 6: 0.1, 30: 0.05, 33: 0.05}, 14),
    ({11: 0.2, 12: 0.2, 13: 0.1, 14: 0.1, 15: 0.1, 16: 0.1, 17: 0.05, 18: 0.05, 19: 0.1, 20: 0.1}, 24),
    ({23: 0.5, 24: 0.2, 25: 0.3}, 6),
    ({26: 0.1, 27: 0.1, 28: 0.1, 29: 0.1, 31: 0.1, 32: 0.1, 34: 0.1, 35: 0.1, 36: 0.1, 37: 0.1}, 8),
)


def _provenance() -> dict[str, Any]:
    return {"reference": f"pythia8mc {version('pythia8mc')}"}


def _production_run(radiation: int, k: int) -> tuple[float, int]:
    """Energy [GeV] and seed of a production shard: log-uniform, every fifth around the Z, none at held-out energies."""
    rng = np.random.default_rng([11, radiation, k])
    low, high = ENERGY_RANGE
    for attempt in itertools.count():
        place = (
            (k + rng.random()) / STRATA if attempt < 100 else rng.random()
        )  # a stratum may lie within a held-out gap
        energy = rng.uniform(88, 95) if k % 5 == 3 else float(np.exp(np.log(low) + place * np.log(high / low)))
        if all(abs(energy - held) >= HELD_OUT_MARGIN for held in HELD_OUT):
            return energy, int(rng.integers(1, 800_000_000))
    raise AssertionError


def _production_shards(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    def parts() -> Iterator[tuple[str, dict[str, Any]]]:
        for turn in range(PRODUCTION_SHARDS):
            k = int(f"{turn:07b}"[::-1], 2)
            for radiation in (0, 1):
                energy, seed = _production_run(radiation, k)
                settings = {"energy": energy, "initial_state_radiation": bool(radiation), "n": PRODUCTION_EVENTS}
                yield f"production_{radiation}_{k:03d}", settings | {"seed": seed}

    return kept(folder, parts(), training_pools.production, _provenance())


def _decay_shards(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    def parts() -> Iterator[tuple[str, dict[str, Any]]]:
        for turn in range(max(count for _, count in DECAY_GROUPS)):
            for group, (fractions, count) in enumerate(DECAY_GROUPS):
                for polarisation in (1, -1) if turn < count else ():
                    seed = _FIRST_DECAY_SEED + (group * 1000 + turn) * 2 + int(polarisation > 0)
                    settings = {"fractions": fractions, "polarisation": polarisation, "n": DECAY_EVENTS, "seed": seed}
                    yield f"decays_{group}_{turn:03d}_{polarisation}", settings

    return kept(folder, parts(), training_pools.decays, _provenance())


def _dataset(shards: Iterator[dict[str, np.ndarray]], what: str, total: int) -> xr.Dataset:
    parts = list(counted(shards, what, total))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return xr.Dataset(
        {name: (("sample", *(f"{name}_{i}" for i in range(a.ndim - 1))), a) for name, a in joined.items()}
    )


def pools(folder: Path) -> tuple[xr.Dataset, ...]:
    """Production and decay pools; shards in `folder` are reused, missing ones simulated (half an hour of one core)."""
    decays = 2 * sum(count for _, count in DECAY_GROUPS)
    return (
        _dataset(_production_shards(folder), "shards of tau production", 2 * PRODUCTION_SHARDS),
        _dataset(_decay_shards(folder), "shards of tau decays", decays),
    )


EVENT_SHARDS = 34
EVENTS_A_SHARD = 500


def events(folder: Path) -> tuple[xr.Dataset, ...]:
    """Whole events of the prior for the GAN (some minutes of one core), in reusable shards."""
    from .reference import PythiaReference, prior

    seed = 1_000_003
    conditions = prior(CONDITIONS, EVENT_SHARDS * EVENTS_A_SHARD, seed=seed)
    named = ("n_particles", "pdg_id", "px", "py", "pz", "E", "parent", "tau_decay")

    def shard(first: int, n: int) -> dict[str, np.ndarray]:
        simulated = PythiaReference().sample(conditions.isel(sample=slice(first, first + n)), seed=seed)
        return {name: simulated[name].values for name in (*CONDITIONS.names, *named)}

    parts = ((f"events_{i:03d}", {"first": i * EVENTS_A_SHARD, "n": EVENTS_A_SHARD}) for i in range(EVENT_SHARDS))
    made_with = _provenance() | {"seed": seed, "conditions": CONDITIONS.to_json()}
    shards = kept(folder, parts, shard, made_with)
    whole = _dataset(shards, "shards of whole events", EVENT_SHARDS)
    return (whole.isel(sample=(whole["tau_decay"].values >= 0).all(axis=1)),)
