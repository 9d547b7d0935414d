"""What the two-sample classifiers see of tau-pair events.

Both levels carry the conditions, so that a classifier judges the distribution given them. High level: the observables
of `surrogates.physics.particle_events`. Low level: every particle's energy, direction, species, charge, parent and
displacement, as a set or sorted into fixed slots. Values are rounded, so that no classifier reads the last bits, in
which two correct programs differ.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ...contract.plugin import Features
from ...physics.particle_events import four_momenta
from .measure import measure

SPECIES = ((11,), (13,), (211,), (321,), (130,), (22,), (12,), (14,), (16,))
"""One-hot groups of absolute PDG ids: e, mu, pi, K, K0L, photon and the three neutrinos."""

SLOTS = (((11, 13, 211, 321), 3), ((12, 14, 16), 2), ((22,), 4), ((130,), 1))
"""Species and number of the hardest of them that the sorted layout keeps for each tau."""

RADIATION_SLOTS = 2
DIGITS = 7


def high_level(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Observables (n, k) and their names; NaN where an observable does not apply."""
    reduced = measure.reduce(dataset)
    columns = {str(name): reduced[name].values for name in reduced.data_vars}
    columns["energy"] = np.log(columns["energy"])
    skipped = ("x_electron", "x_muon", "x_pi", "x_rho", "x_other", "mass_", "azimuth_tau_minus")
    names = tuple(name for name in columns if not name.startswith(skipped) or "opposite" in name)
    return np.round(np.stack([columns[name] for name in names], axis=-1), DIGITS), names


def low_level(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Particles as a set.

    Returns
    -------
    array : numpy.ndarray
        (n, 40, 19) float32: log10(E / sqrt(s)), direction (3), log10 of 1 + the production vertex's distance [mm] /
        0.01, one-hot species (9), charge, parent (tau-, tau+), log sqrt(s), initial-state radiation.
    mask : numpy.ndarray
        (n, 40) filled slots.
    """
    ids = dataset["pdg_id"].values
    mask = ids != 0
    momentum, energy = _rotated(dataset)
    size = np.maximum(np.sqrt((momentum[..., :3] ** 2).sum(-1)), 1e-300)
    distance = np.sqrt(sum(dataset[axis].values ** 2 for axis in ("vx", "vy", "vz")))
    parent = dataset["parent"].values
    radiation = dataset["initial_state_radiation"].values[:, None]
    columns = [
        np.log10(np.maximum(momentum[..., 3] / energy[:, None], 10.0**-DIGITS)),
        *(momentum[..., axis] / size for axis in range(3)),
        np.log10(1.0 + distance / 0.01),
        *(np.isin(np.abs(ids), group) for group in SPECIES),
        dataset["charge"].values,
        parent == -1,
        parent == 1,
        np.broadcast_to(np.log(energy)[:, None], ids.shape),
        np.broadcast_to(radiation, ids.shape),
    ]
    array = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=-1)
    return array * mask[..., None], mask


def flat_low_level(dataset: xr.Dataset) -> np.ndarray:
    """Particles sorted into fixed slots, (n, k) float32 with NaN in empty slots.

    For each tau its three hardest charged particles, two neutrinos, four photons and one K0L, by falling energy, and
    the two hardest radiated particles: (px, py, pz, E) / sqrt(s), and the PDG id of charged particles; counts, and
    conditions.
    """
    ids = dataset["pdg_id"].values
    parent = dataset["parent"].values
    momentum, energy = _rotated(dataset)
    share = np.round(momentum / energy[:, None, None], DIGITS)
    columns: list[np.ndarray] = [np.log(energy), dataset["initial_state_radiation"].values.astype(np.float64)]
    for side in (-1, 1):
        for species, count in SLOTS:
            chosen = (parent == side) & np.isin(np.abs(ids), species)
            columns.append(chosen.sum(1))
            columns += _hardest(share, ids, chosen, count, labelled=species[0] == 11)
    radiated = (parent == 0) & (ids != 0)
    columns.append((radiated & (share[..., 3] > 1e-3)).sum(1))
    columns += _hardest(share, ids, radiated, RADIATION_SLOTS, labelled=False)
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=-1)


def _hardest(share: np.ndarray, ids: np.ndarray, chosen: np.ndarray, count: int, labelled: bool) -> list[np.ndarray]:
    rank = np.argsort(np.where(chosen, -share[..., 3], np.inf), axis=1)[:, :count]
    rows = np.arange(len(ids))[:, None]
    filled = chosen[rows, rank]
    values = np.where(filled[..., None], share[rows, rank], np.nan)
    columns = [values[:, slot, axis] for slot in range(count) for axis in range(4)]
    if labelled:
        columns += [np.where(filled, ids[rows, rank], np.nan)[:, slot] for slot in range(count)]
    return columns


def _rotated(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Four-momenta (n, 40, 4), turned about the beam until the tau- stands at azimuth 0, and sqrt(s) (n,)."""
    momentum = four_momenta({name: dataset[name].values for name in ("px", "py", "pz", "E")})
    azimuth = np.arctan2(dataset["tau_py"].values[:, 0], dataset["tau_px"].values[:, 0])[:, None]
    cosine, sine = np.cos(azimuth), np.sin(azimuth)
    x, y = momentum[..., 0], momentum[..., 1]
    turned = np.stack([x * cosine + y * sine, y * cosine - x * sine, momentum[..., 2], momentum[..., 3]], axis=-1)
    return turned, dataset["energy"].values


FEATURES = Features(high_level=high_level, low_level=low_level, flat_low_level=flat_low_level)
