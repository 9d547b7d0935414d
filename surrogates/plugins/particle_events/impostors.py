"""Cheap fakes of tau-pair events, made from the truth, which the figures must fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from ...physics.particle_events import boost_to_rest_frame, four_momenta
from ...physics.particle_events.kinematics import tau_frames

PARTICLE = ("pdg_id", "px", "py", "pz", "E", "mass", "charge", "parent", "vx", "vy", "vz", "vt")
MOMENTUM = ("px", "py", "pz", "E")
VERTEX = ("vx", "vy", "vz", "vt")
NEIGHBOURS = 100
LEAST_OF_A_CLASS = 12
WRONG_ENERGY = 0.85


def shuffled_taus(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Events whose tau+ decays as the tau+ of another event of almost the same tau-pair mass.

    The other decay is carried over in the tau+'s rest frame, along the axes of the tau pair's production: each tau
    keeps its own spectra and polarisation and every conservation law holds, the spins of the two taus no longer know of
    each other.
    """
    generator = np.random.default_rng([seed, 21])
    taus = four_momenta({name: truth[name].values for name in ("tau_px", "tau_py", "tau_pz", "tau_E")}, "tau_")
    partner = _neighbours(truth, taus, generator)
    return _with_other_plus(truth, taus, partner)


def _neighbours(truth: xr.Dataset, taus: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For each event another one of its radiation and sqrt(s), close in tau-pair mass.

    Where few events share a sqrt(s), as with one energy for each, closeness in mass has to do.
    """
    pair = taus.sum(1)
    mass = np.sqrt(np.maximum(pair[:, 3] ** 2 - (pair[:, :3] ** 2).sum(-1), 0.0))
    energy = truth["energy"].values
    n = len(mass)
    asked = truth["asked_decay_plus"].values if "asked_decay_plus" in truth else np.zeros(n, dtype=np.int64)
    radiation = truth["initial_state_radiation"].values
    _, repeats = np.unique(energy, return_counts=True)
    close = energy if repeats.mean() >= NEIGHBOURS else np.zeros(n)
    order = np.lexsort((mass, close, radiation, asked))
    alike = np.stack([asked, radiation, close], -1)[order]
    edges = np.flatnonzero((np.diff(alike, axis=0) != 0).any(1)) + 1
    starts = np.concatenate([[0], edges]) if n >= NEIGHBOURS * (len(edges) + 1) else np.zeros(1, dtype=np.int64)
    shuffled = order.copy()
    for group, stop in zip(starts, [*starts[1:], n], strict=True):
        for start in range(group, stop, NEIGHBOURS):
            block = order[start : min(start + NEIGHBOURS, stop)]
            cycle = generator.permutation(len(block))
            shuffled[start + cycle] = block[np.roll(cycle, 1)]
    partner = np.empty(n, dtype=np.int64)
    partner[order] = shuffled
    return partner


def _with_other_plus(truth: xr.Dataset, taus: np.ndarray, partner: np.ndarray) -> xr.Dataset:
    columns = {name: truth[name].values for name in PARTICLE}
    cap = columns["pdg_id"].shape[1]
    frames = tau_frames(taus, 1)
    carry = np.linalg.inv(frames) @ frames[partner]
    other = {name: array[partner] for name, array in columns.items()}
    momentum = np.einsum("nij,npj->npi", carry, np.stack([other[name] for name in MOMENTUM], -1))
    momentum[..., 3] = np.sqrt((momentum[..., :3] ** 2).sum(-1) + other["mass"] ** 2)
    decayed = np.stack([truth["tau_" + name].values[:, 1] for name in VERTEX], -1)
    flight = np.stack([other[name] for name in VERTEX], -1) - decayed[partner][:, None, :]
    vertex = np.einsum("nij,npj->npi", carry, flight) + decayed[:, None, :]
    for axis, name in enumerate(MOMENTUM):
        other[name] = momentum[..., axis]
    for axis, name in enumerate(VERTEX):
        other[name] = vertex[..., axis]
    present = columns["pdg_id"] != 0
    keep = np.concatenate([present & (columns["parent"] != 1), (other["pdg_id"] != 0) & (other["parent"] == 1)], 1)
    group = np.concatenate([columns["parent"], other["parent"]], 1)
    rank = np.where(group == -1, 0, np.where(group == 1, 1, 2))
    order = np.argsort(np.where(keep, rank, 3), axis=1, kind="stable")[:, :cap]
    rows = np.arange(len(order))[:, None]
    kept = keep[rows, order]
    changed = {}
    for name, array in columns.items():
        both = np.concatenate([array, other[name]], 1)
        changed[name] = np.where(kept, both[rows, order], 0).astype(array.dtype)
    decay = truth["tau_decay"].values.copy()
    decay[:, 1] = decay[partner, 1]
    changed |= {
        "tau_decay": decay,
        "n_particles": kept.sum(1).astype(truth["n_particles"].dtype),
        "n_dropped": np.maximum(keep.sum(1) - cap, 0).astype(truth["n_dropped"].dtype),
    }
    fake = truth.assign({name: truth[name].copy(data=array) for name, array in changed.items()})
    return _with_tau_momenta(fake)


def _with_tau_momenta(events: xr.Dataset) -> xr.Dataset:
    """Events whose tau momenta are the sums of their products."""
    changed = {}
    for name in MOMENTUM:
        sides = [np.where(events["parent"].values == side, events[name].values, 0.0).sum(1) for side in (-1, 1)]
        changed["tau_" + name] = events["tau_" + name].copy(data=np.stack(sides, -1))
    return events.assign(changed)


def class_conditional_gaussian(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Gaussian momenta with the mean and covariance of the events with the same particles, on the mass shell.

    Events whose particle content is rarer than 12 draw from a Gaussian of each slot.
    """
    generator = np.random.default_rng([seed, 22])
    energy = truth["energy"].values
    ids = truth["pdg_id"].values
    present = ids != 0
    share = np.stack([truth[name].values for name in ("px", "py", "pz")], -1) / energy[:, None, None]
    content, label = np.unique(ids, axis=0, return_inverse=True)
    label = label.reshape(-1)
    members = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[members], np.arange(len(content) + 1))
    drawn = generator.normal(0.0, 1.0, share.shape) * share.std(0)
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        mine = members[start:stop]
        filled = np.flatnonzero(present[mine[0]])
        values = share[mine][:, filled].reshape(len(mine), -1)
        if len(mine) >= LEAST_OF_A_CLASS:
            covariance = np.cov(values, rowvar=False)
            cloud = generator.multivariate_normal(values.mean(0), covariance, len(mine), method="eigh")
            drawn[mine[:, None], filled] = cloud.reshape(len(mine), len(filled), 3)
    momentum = np.where(present[..., None], drawn, 0.0) * energy[:, None, None]
    changed = {name: momentum[..., axis] for axis, name in enumerate(("px", "py", "pz"))}
    mass = truth["mass"].values
    changed["E"] = np.where(present, np.sqrt((momentum**2).sum(-1) + mass**2), 0.0)
    return _with_tau_momenta(truth.assign({name: truth[name].copy(data=array) for name, array in changed.items()}))


def wrong_condition(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Outputs dealt to rows with other conditions; of a lower energy, where all rows have the same conditions.

    Each tau is then slowed to 0.85 of its energy, as if sqrt(s) were that much lower.
    """
    conditions = np.stack([truth["energy"].values, truth["initial_state_radiation"].values], -1)
    outputs = [str(name) for name, array in truth.data_vars.items() if array.dims != ("sample",)]
    outputs += ["n_particles", "n_dropped"]
    if len(np.unique(conditions, axis=0)) > 1:
        order = np.random.default_rng([seed, 23]).permutation(len(conditions))
        return truth.assign({name: truth[name].copy(data=truth[name].values[order]) for name in outputs})
    return _slowed(truth)


def _slowed(truth: xr.Dataset) -> xr.Dataset:
    taus = four_momenta({name: truth[name].values for name in ("tau_px", "tau_py", "tau_pz", "tau_E")}, "tau_")
    momentum = four_momenta({name: truth[name].values for name in MOMENTUM})
    parent = truth["parent"].values
    slow = momentum * WRONG_ENERGY
    for side, charge in enumerate((-1, 1)):
        tau = taus[:, side]
        mass_squared = np.maximum(tau[:, 3] ** 2 - (tau[:, :3] ** 2).sum(-1), 0.0)
        energy = np.maximum(WRONG_ENERGY * tau[:, 3], np.sqrt(mass_squared) * 1.001)
        size = np.sqrt(np.maximum(energy**2 - mass_squared, 0.0) / (tau[:, :3] ** 2).sum(-1))
        back = np.concatenate([-tau[:, :3] * size[:, None], energy[:, None]], -1)
        boosted = boost_to_rest_frame(boost_to_rest_frame(momentum, tau[:, None, :]), back[:, None, :])
        slow = np.where((parent == charge)[..., None], boosted, slow)
    mass = truth["mass"].values
    present = truth["pdg_id"].values != 0
    slow[..., 3] = np.sqrt((slow[..., :3] ** 2).sum(-1) + mass**2)
    changed = {name: np.where(present, slow[..., axis], 0.0) for axis, name in enumerate(MOMENTUM)}
    return _with_tau_momenta(truth.assign({name: truth[name].copy(data=array) for name, array in changed.items()}))


def memoriser(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Thirty events by heart: each row gets the known one with its initial-state radiation that is close in sqrt(s)."""
    generator = np.random.default_rng([seed, 24])
    n = truth.sizes["sample"]
    known = generator.choice(n, min(30, n), replace=False)
    energy, radiation = truth["energy"].values, truth["initial_state_radiation"].values
    gap = np.abs(np.log(energy[:, None] / energy[known])) + 10.0 * (radiation[:, None] != radiation[known])
    gap += generator.uniform(0.0, 0.2, gap.shape)
    index = known[gap.argmin(1)]
    outputs = [str(name) for name, array in truth.data_vars.items() if array.dims != ("sample",)]
    outputs += ["n_particles", "n_dropped"]
    return truth.assign({name: truth[name].copy(data=truth[name].values[index]) for name in outputs})


IMPOSTORS: Mapping[str, Callable[[xr.Dataset, int], xr.Dataset]] = {
    "shuffled taus": shuffled_taus,
    "class-conditional Gaussian": class_conditional_gaussian,
    "wrong condition": wrong_condition,
    "memoriser of 30": memoriser,
}
