"""Interactions of the prior simulated once for training, part by part, and laid out as chains along rapidity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from ...counting import counted
from ...noise import fold
from ...physics.hadrons import beams, species
from ...training.simulated import kept
from . import urqmd
from .reference import TRAINING_SEED, prior
from .variables import CONDITIONS

PARTS = 16
IN_A_PART = 2_000


def parts(
    folder: Path | None, wanted: Sequence[int] = range(PARTS), seed: int = TRAINING_SEED
) -> Iterator[dict[str, np.ndarray]]:
    """Conditions and flat records of 2,000 interactions after another; those in `folder` are read, others made."""

    def make(part: int, seed: int) -> dict[str, np.ndarray]:
        own = fold(seed, part)
        asked = {name: values.values for name, values in prior(CONDITIONS, IN_A_PART, own).data_vars.items()}
        columns = (asked[name].tolist() for name in ("projectile", "energy", "target"))
        rows = [(p, e, t, fold(own, row)) for row, (p, e, t) in enumerate(zip(*columns, strict=True))]
        flat = urqmd.interactions(rows)
        return {str(name): values for name, values in (asked | flat).items()}

    asked = ((f"interactions_{i:04d}", {"part": i, "seed": seed}) for i in wanted)
    made_with = {"reference": f"UrQMD34 of chromo {version('chromo')}", "n": IN_A_PART}
    return iter(counted(kept(folder, asked, make, made_with), "parts of 2,000 interactions", len(wanted)))


def chains(part: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Records as the chain of the model takes them: particles by falling rapidity, the remnant apart.

    Parameters
    ----------
    part : dict
        As `parts` yields it.

    Returns
    -------
    dict
        Conditions; ``particles``, ``struck`` and ``struck_protons`` (n,): counts; ``remnant_pt``, ``remnant_pz`` (n,)
        GeV, 0 of none; and, (n, k) each: ``species`` (index, -1 beyond the last), ``px``, ``py``, ``plus``, ``minus``
        (E + pz and E - pz), GeV, turned so that the remnant's transverse momentum lies along x. Interactions with
        charm, one in a thousand, and those of two particles are left out.
    """
    n, count = len(part["count"]), part["count"]
    event = np.repeat(np.arange(n), count)
    ids = part["pdg_id"].astype(np.int64)
    remnant = ids > beams.NUCLEUS
    own = ~remnant
    target = part["target"].astype(np.int64)
    sums = {name: np.bincount(event[remnant], part[name][remnant], n) for name in ("px", "py", "pz", "charge")}
    left = np.bincount(event[remnant], (ids[remnant] // 10) % 1000, n).astype(np.int64)
    ids, event = _with_strangeness(ids[own], event[own], part["projectile"].astype(np.int64)), event[own]
    order = np.argsort(species.IDS)
    place = np.clip(np.searchsorted(species.IDS[order], ids), 0, species.SPECIES - 1)
    index = np.where(species.IDS[order][place] == ids, order[place], -1)
    px, py, pz, energy = (part[name][own] for name in ("px", "py", "pz", "E"))
    mt2 = px**2 + py**2 + part["mass"][own] ** 2
    plus, minus = energy + pz, mt2 / (energy + pz)
    slow = pz < 0
    minus = np.where(slow, energy - pz, minus)
    plus = np.where(slow, mt2 / minus, plus)
    turn = np.arctan2(sums["py"], sums["px"])[event]
    px, py = np.cos(turn) * px + np.sin(turn) * py, np.cos(turn) * py - np.sin(turn) * px
    order = np.lexsort((np.log(minus) - np.log(plus), event))
    number = np.bincount(event, minlength=n)
    slot = np.arange(len(order)) - np.repeat(np.cumsum(number) - number, number)
    found: dict[str, np.ndarray] = {name: part[name] for name in ("projectile", "energy", "target")}
    found |= {
        "particles": number,
        "struck": beams.TARGET_A[target] - left,
        "struck_protons": beams.TARGET_Z[target] - np.rint(sums["charge"]).astype(np.int64),
        "remnant_pt": np.hypot(sums["px"], sums["py"]),
        "remnant_pz": sums["pz"],
    }
    columns = {"species": index, "px": px, "py": py, "plus": plus, "minus": minus}
    for name, values in columns.items():
        found[name] = np.full((n, int(number.max())), -1 if name == "species" else 0.0, np.float64)
        found[name][event[order], slot] = values[order]
    found["species"] = found["species"].astype(np.int16)
    known = np.bincount(event[index < 0], minlength=n) == 0
    return {name: values[known & (number > 1)] for name, values in found.items()}


def _with_strangeness(ids: np.ndarray, event: np.ndarray, projectile: np.ndarray) -> np.ndarray:
    """Identities with K0S and K0L called K0 or its antiparticle at random, as the balance of strangeness asks."""
    _, number = species.conserved(ids)
    lack = beams.PROJECTILE_STRANGENESS[projectile] - np.bincount(event, number, len(projectile))
    neutral = np.flatnonzero(np.isin(ids, (species.K_SHORT, species.K_LONG)))
    kaons = np.bincount(event[neutral], minlength=len(projectile))
    first = ((kaons + lack) // 2).astype(np.int64)  # how many are K0
    shuffled = neutral[np.lexsort((np.random.default_rng(len(ids)).random(len(neutral)), event[neutral]))]
    rank = np.arange(len(shuffled)) - np.searchsorted(event[shuffled], event[shuffled])
    ids = ids.copy()
    ids[shuffled] = np.where(rank < first[event[shuffled]], species.K_ZERO, -species.K_ZERO)
    return ids


def pool(folder: Path) -> tuple[xr.Dataset, ...]:
    """The chains of all parts, in one Dataset."""
    found = [chains(part) for part in parts(folder)]
    widest = max(part["species"].shape[1] for part in found)
    joined: dict[str, np.ndarray] = {}
    for name in list(found[0]):
        values = [part.pop(name) for part in found]
        if values[0].ndim == 2:
            empty = -1 if name == "species" else 0
            values = [np.pad(v, np.array([(0, 0), (0, widest - v.shape[1])]), constant_values=empty) for v in values]
        joined[name] = np.concatenate(values)
    return (xr.Dataset({name: (("sample", "particle")[: v.ndim], v) for name, v in joined.items()}),)
