"""Training pools simulated by Pythia: tau-pair production with its radiation, and polarised tau decays.

The two factorise exactly: the spin density matrix links them analytically (`spin.py`), so each is learned where it is
cheap. Production uses ``TauDecays:mode = 0`` (the decays are not looked at), decays ``TauDecays:mode = 3`` with a
fixed polarisation, whose matrix elements are those of the default.
"""

from __future__ import annotations

import numpy as np

from .particles import channels, self_conjugate
from .simulation import ancestry, decay_channels, flatten, pythia, settings

EMISSIONS = 6
HADRONS = 5

# Order in which hadrons are split off, so that resonances are masses of subsystems (omega -> 3 pi in 4-pion decays).
SPLIT_ORDER = {21: (1, 0, 2, 3), 23: (2, 0, 1, 3, 4), 25: (0, 1, 2, 3, 4)}


def split_order(channel: int) -> tuple[int, ...]:
    """PDG ids of a tau- channel's products without the neutrino, in splitting order."""
    products = [product for product in channels()[channel].products if product != 16]
    return tuple(products[i] for i in SPLIT_ORDER.get(channel, range(len(products))))


def boost(momentum: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Boost (px, py, pz, E) into the rest frame of `frame`; trailing axis 4."""
    mass = np.sqrt(np.maximum(frame[..., 3] ** 2 - (frame[..., :3] ** 2).sum(-1), 1e-300))
    dot = (momentum[..., :3] * frame[..., :3]).sum(-1)
    energy = (momentum[..., 3] * frame[..., 3] - dot) / mass
    factor = (momentum[..., 3] + energy) / (frame[..., 3] + mass)
    return np.concatenate([momentum[..., :3] - factor[..., None] * frame[..., :3], energy[..., None]], axis=-1)


def production(energy: float, initial_state_radiation: bool, n: int, seed: int) -> dict[str, np.ndarray]:
    """Radiation and scattering angle of `n` tau pairs at one energy.

    Returns
    -------
    dict of numpy.ndarray
        ``pair_mass`` [GeV] before final-state radiation, ``cos_theta`` of the tau- in the hard process' frame;
        ``isr`` (n, EMISSIONS, 4) photon momenta by decreasing energy, zeros after ``n_isr``;
        ``remnant`` (n, 2) photon energies along +z and -z;
        ``n_fsr``, and per emission (n, EMISSIONS): ``fsr_mass`` (dipole mass before), ``fsr_photon`` and
        ``fsr_recoil`` (energies of photon and recoiling tau in the dipole's rest frame), ``fsr_minus`` (1: the tau-
        radiates). Events whose radiation converts to pairs are left out.
    """
    instance = pythia([*settings(energy, initial_state_radiation, seed), "TauDecays:mode = 0"])
    offsets, c = flatten(instance.nextBatch(n))
    n = len(offsets) - 1
    p = np.stack([c["px"], c["py"], c["pz"], c["e"]], axis=-1)
    event, ids, status = c["event"], c["id"], c["status"]
    out: dict[str, np.ndarray] = {"energy": np.full(n, energy), "radiating": np.full(n, int(initial_state_radiation))}
    hard = np.flatnonzero((status == -22) & (ids == 23))
    out["pair_mass"] = c["m"][hard]
    isr = np.flatnonzero(((status == 43) | (status == 44)) & (ids == 22))
    isr = isr[np.lexsort((-c["e"][isr], event[isr]))]
    out["n_isr"] = np.bincount(event[isr], minlength=n)
    rank = np.arange(len(isr)) - np.searchsorted(event[isr], event[isr])
    isr, rank = isr[rank < EMISSIONS], rank[rank < EMISSIONS]
    out["isr"] = np.zeros((n, EMISSIONS, 4))
    out["isr"][event[isr], rank] = p[isr]
    out["remnant"] = np.zeros((n, 2))
    remnant = np.flatnonzero((status == 63) & (ids == 22))
    np.add.at(out["remnant"], (event[remnant], (p[remnant, 2] < 0).astype(int)), p[remnant, 3])
    first = np.flatnonzero((np.abs(status) == 23) & (ids == 15))
    other = np.flatnonzero((np.abs(status) == 23) & (ids == -15))
    pair = p[first] + p[other]
    direction = boost(p[first], pair)[:, :3]
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    electron, positron = np.zeros((n, 4)), np.zeros((n, 4))
    electron[:, 2], electron[:, 3], positron[:, 2], positron[:, 3] = 1, 1, -1, 1
    axis_electron, axis_positron = (boost(beam, pair)[:, :3] for beam in (electron, positron))
    axis_electron /= np.linalg.norm(axis_electron, axis=-1, keepdims=True)
    axis_positron /= np.linalg.norm(axis_positron, axis=-1, keepdims=True)
    from_electron = out["isr"][:, 0, 2] > 0
    axis = np.where(from_electron[:, None], -axis_positron, axis_electron)
    out["cos_theta"] = (direction * axis).sum(-1)
    photon = np.flatnonzero((np.abs(status) == 51) & (ids == 22) & (np.abs(ids[c["mother"]]) == 15))
    radiator, recoiler = photon - 1, photon + 1
    good = (np.abs(ids[radiator]) == 15) & (ids[recoiler] == -ids[radiator]) & (np.abs(status[recoiler]) == 52)
    dipole = p[c["mother"][photon]] + p[c["mother"][recoiler]]
    emission = np.arange(len(photon)) - np.searchsorted(event[photon], event[photon])
    out["n_fsr"] = np.bincount(event[photon], minlength=n)
    keep = emission < EMISSIONS
    for name, values in {
        "fsr_mass": np.sqrt(dipole[:, 3] ** 2 - (dipole[:, :3] ** 2).sum(-1)),
        "fsr_photon": boost(p[photon], dipole)[:, 3],
        "fsr_recoil": boost(p[recoiler], dipole)[:, 3],
        "fsr_minus": (ids[radiator] == 15).astype(float),
    }.items():
        out[name] = np.zeros((n, EMISSIONS))
        out[name][event[photon][keep], emission[keep]] = values[keep]
    clean = np.ones(n, bool)
    clean[event[photon[~good]]] = False
    converted = np.isin(np.abs(status), (51, 52, 71, 82, 83, 84)) & ~np.isin(np.abs(ids), (15, 22))
    clean[event[converted]] = False
    clean &= (out["n_fsr"] <= EMISSIONS) & (out["n_isr"] <= EMISSIONS)
    return {name: values[clean] for name, values in out.items()}


def decays(fractions: dict[int, float], polarisation: int, n: int, seed: int) -> dict[str, np.ndarray]:
    """Tau decays of fixed helicity with given channel fractions, in the tau's rest frame, as those of a tau-.

    Parameters
    ----------
    fractions : dict
        Channel index -> relative rate.
    polarisation : int
        +1 or -1: spin of the tau- along its flight; Pythia gives the tau+ the opposite.
    n, seed : int
        Events (two decays each) and Pythia's seed.

    Returns
    -------
    dict of numpy.ndarray
        ``channel`` (m,), ``spin`` (m, 3) unit spin vector times polarisation, ``products`` (m, HADRONS, 4) momenta in
        splitting order (identical ones shuffled), ``neutrino`` (m, 4). A tau+ is mirrored by CP: momenta reversed.
    """
    lines = [f"15:{i}:bRatio = {fractions.get(i, 0.0)}" for i in range(len(channels()))]
    lines += [f"15:{i}:onMode = {int(i in fractions)}" for i in range(len(channels()))]
    lines += ["TauDecays:mode = 3", f"TauDecays:tauPolarization = {polarisation}"]
    instance = pythia([*settings(91.2, False, seed), *lines, "TimeShower:QEDshowerByL = off"])
    offsets, c = flatten(instance.nextBatch(n))
    n = len(offsets) - 1
    p = np.stack([c["px"], c["py"], c["pz"], c["e"]], axis=-1)
    label, direct = ancestry(c)
    found = decay_channels(c, label, direct, n)
    rng = np.random.default_rng(seed)
    channel, spin, products, neutrino = [], [], [], []
    for side, charge in enumerate((-1, 1)):
        chosen = np.flatnonzero(direct & (label == charge))
        parent = p[c["mother"][chosen]]
        rest = boost(p[chosen], parent)
        flight = parent[:, :3] / np.linalg.norm(parent[:, :3], axis=-1, keepdims=True)
        if charge > 0:
            rest = rest * np.array([-1.0, -1.0, -1.0, 1.0])
        oriented = np.where(np.isin(c["id"][chosen], self_conjugate()), c["id"][chosen], -charge * c["id"][chosen])
        tie = rng.random(len(chosen))
        for index in np.unique(found[:, side]):
            events = np.flatnonzero(found[:, side] == index)
            mine = np.isin(c["event"][chosen], events)
            order = split_order(int(index))
            rows = {}
            for wanted in {16, *order}:
                entries = np.flatnonzero(mine & (oriented == wanted))
                entries = entries[np.lexsort((tie[entries], c["event"][chosen[entries]]))]
                rows[wanted] = rest[entries].reshape(len(events), -1, 4)
            used = dict.fromkeys(rows, 0)
            momenta = np.zeros((len(events), HADRONS, 4))
            for slot, wanted in enumerate(order):
                momenta[:, slot] = rows[wanted][:, used[wanted]]
                used[wanted] += 1
            products.append(momenta)
            neutrino.append(rows[16][:, 0])
            channel.append(np.full(len(events), index))
            axis = np.zeros((n, 3))
            axis[c["event"][chosen]] = flight
            spin.append(axis[events] * (-charge * polarisation))
    return {
        "channel": np.concatenate(channel),
        "spin": np.concatenate(spin),
        "products": np.concatenate(products),
        "neutrino": np.concatenate(neutrino),
    }
