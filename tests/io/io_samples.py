"""Synthetic samples in the layouts of the plugins, small and exact."""

from __future__ import annotations

import numpy as np
import xarray as xr

CAP = 40
TAU_MASS = 1.77693
MASSES = {211: 0.13957, 111: 0.1349768, 22: 0.0, 16: 0.0, 310: 0.497611}


def _two_body(
    rng: np.random.Generator, mother: np.ndarray, mass_a: float, mass_b: float
) -> tuple[np.ndarray, np.ndarray]:
    """Decay each four-momentum (px, py, pz, E) isotropically."""
    squared = mother[:, 3] ** 2 - np.sum(mother[:, :3] ** 2, axis=1)
    mass = np.sqrt(squared)
    momentum = np.sqrt((squared - (mass_a + mass_b) ** 2) * (squared - (mass_a - mass_b) ** 2)) / (2 * mass)
    cos = rng.uniform(-1, 1, len(mother))
    phi = rng.uniform(0, 2 * np.pi, len(mother))
    sin = np.sqrt(1 - cos**2)
    direction = np.stack([sin * np.cos(phi), sin * np.sin(phi), cos], axis=1)
    rest = np.concatenate([momentum[:, None] * direction, np.sqrt(momentum**2 + mass_a**2)[:, None]], axis=1)
    beta = mother[:, :3] / mother[:, 3:]
    gamma = mother[:, 3] / mass
    parallel = np.sum(beta * rest[:, :3], axis=1)
    scale = gamma**2 / (gamma + 1) * parallel + gamma * rest[:, 3]
    first = rest.copy()
    first[:, :3] += scale[:, None] * beta
    first[:, 3] = np.sqrt(np.sum(first[:, :3] ** 2, axis=1) + mass_a**2)
    second = mother - first
    return first, second


def particle_events(n: int, seed: int = 0, first_sample: int = 0) -> xr.Dataset:
    """Make e+e- -> tau+ tau- with taus decaying to pi nu, pi pi0 nu and pi K0S nu."""
    rng = np.random.default_rng([seed, first_sample])
    energy = rng.choice([10.58, 91.2, 240.0], n)
    radiation = rng.integers(0, 2, n).astype(np.int8)
    photon = np.where(radiation == 1, 0.01 * energy * rng.uniform(0.1, 1, n), 0.0)
    total = np.zeros((n, 4))
    total[:, 2], total[:, 3] = -photon, energy - photon
    minus, plus = _two_body(rng, total, TAU_MASS, TAU_MASS)
    columns = {name: np.zeros((n, CAP)) for name in ("px", "py", "pz", "E", "mass", "vx", "vy", "vz", "vt")}
    columns |= {"pdg_id": np.zeros((n, CAP), np.int32)}
    columns |= {name: np.zeros((n, CAP), np.int8) for name in ("charge", "parent")}
    count = np.zeros(n, np.int64)
    tau = np.stack([minus, plus], axis=1)
    decay = rng.integers(0, 3, (n, 2)).astype(np.int16)
    flight = rng.exponential(0.0871, (n, 2, 1)) * tau / TAU_MASS

    def add(event: int, pdg: int, momentum: np.ndarray, mass: float, charge: int, parent: int, at: np.ndarray) -> None:
        i = count[event]
        for name, value in zip(("px", "py", "pz"), momentum[:3], strict=True):
            columns[name][event, i] = value
        columns["E"][event, i] = np.sqrt(np.sum(momentum[:3] ** 2) + mass**2)
        columns["mass"][event, i], columns["charge"][event, i], columns["parent"][event, i] = mass, charge, parent
        columns["pdg_id"][event, i] = pdg
        for name, value in zip(("vx", "vy", "vz", "vt"), at, strict=True):
            columns[name][event, i] = value
        count[event] += 1

    for side, sign in enumerate((-1, 1)):
        # tau -> hadrons nu with hadrons -> pi (pi0 or K0S) through a state of 1.2 GeV
        single, neutrino = _two_body(rng, tau[:, side], MASSES[211], 0.0)
        hadrons, neutrino_many = _two_body(rng, tau[:, side], 1.2, 0.0)
        pion, pi0 = _two_body(rng, hadrons, MASSES[211], MASSES[111])
        pion_k, kaon = _two_body(rng, hadrons, MASSES[211], MASSES[310])
        photon_a, photon_b = _two_body(rng, pi0, 0.0, 0.0)
        pi_a, pi_b = _two_body(rng, kaon, MASSES[211], MASSES[211])
        for event in range(n):
            at = flight[event, side]
            many = decay[event, side] > 0
            add(event, -sign * 16, (neutrino_many if many else neutrino)[event], 0.0, 0, sign, at)
            if decay[event, side] == 0:
                add(event, sign * 211, single[event], MASSES[211], sign, sign, at)
            elif decay[event, side] == 1:
                add(event, sign * 211, pion[event], MASSES[211], sign, sign, at)
                for photon_momentum in (photon_a[event], photon_b[event]):
                    add(event, 22, photon_momentum, 0.0, 0, sign, at + 2.5e-5 * pi0[event] / MASSES[111])
            else:
                add(event, sign * 211, pion_k[event], MASSES[211], sign, sign, at)
                for charge, momentum in ((1, pi_a[event]), (-1, pi_b[event])):
                    add(event, charge * 211, momentum, MASSES[211], charge, sign, at + 26.8 * kaon[event] / MASSES[310])
    for event in np.flatnonzero(radiation):
        add(int(event), 22, np.array([0, 0, photon[event]]), 0.0, 0, 0, np.zeros(4))
    units = dict.fromkeys(("px", "py", "pz", "E", "mass"), "GeV") | dict.fromkeys(("vx", "vy", "vz", "vt"), "mm")
    data = {
        name: (("sample", "particle"), values, {"units": units.get(name, "1"), "long_name": f"{name} of each particle"})
        for name, values in columns.items()
    }
    flags = {"flag_values": np.array([0, 1, 2], np.int16), "flag_meanings": "pi_nu pi_pi0_nu pi_k0s_nu"}
    for i, name in enumerate(("x", "y", "z")):
        data[f"tau_p{name}"] = (("sample", "tau"), tau[:, :, i], {"units": "GeV", "long_name": f"tau momentum, {name}"})
    data["tau_E"] = (("sample", "tau"), tau[:, :, 3], {"units": "GeV", "long_name": "tau energy"})
    for i, name in enumerate(("x", "y", "z", "t")):
        data[f"tau_v{name}"] = (
            ("sample", "tau"),
            flight[:, :, i],
            {"units": "mm", "long_name": f"decay vertex, {name}"},
        )
    data["tau_decay"] = (("sample", "tau"), decay, {"units": "1", "long_name": "decay channel", **flags})
    data["n_particles"] = (
        "sample",
        count,
        {"units": "1", "long_name": "number of particles", "sample_dimension": "particle"},
    )
    data["n_dropped"] = ("sample", np.zeros(n, np.int32), {"units": "1", "long_name": "particles beyond the cap"})
    data["energy"] = ("sample", energy, {"units": "GeV", "long_name": "centre-of-mass energy"})
    on_off = {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "off on"}
    data["initial_state_radiation"] = (
        "sample",
        radiation,
        {"units": "1", "long_name": "initial-state radiation", **on_off},
    )
    for name in ("asked_decay_minus", "asked_decay_plus"):
        asked = np.full(n, -1, np.int16)
        data[name] = ("sample", asked, {"units": "1", "long_name": name.replace("_", " "), **flags})
    sample = (
        "sample",
        np.arange(first_sample, first_sample + n),
        {"units": "1", "long_name": "identity of the sample"},
    )
    attrs = {"Conventions": "CF-1.12", "plugin": "particle-events", "seed": seed, "history": "made for a test"}
    return xr.Dataset(data, {"sample": sample}, attrs)


def jets(n: int, seed: int = 0) -> xr.Dataset:
    """Make jets of gluons, light quarks and tops in the layout of the jets plugin."""
    rng = np.random.default_rng(seed)
    count = rng.integers(0, 31, n)
    real = np.arange(30) < count[:, None]
    pt_rel = -np.sort(-rng.exponential(1, (n, 30)) * real, axis=1)
    pt_rel = np.divide(pt_rel, pt_rel.sum(axis=1, keepdims=True), out=np.zeros_like(pt_rel), where=real)
    data = {
        "jet_type": ("sample", rng.integers(0, 3, n).astype(np.int8), {
            "units": "1", "long_name": "jet type", "flag_values": np.array([0, 1, 2], np.int8),
            "flag_meanings": "gluon light_quark top"}),
        "jet_pt": ("sample", rng.uniform(800, 1200, n), {"units": "GeV", "long_name": "transverse momentum"}),
        "jet_eta": ("sample", rng.normal(0, 0.8, n), {"units": "1", "long_name": "pseudorapidity"}),
        "jet_mass": ("sample", rng.uniform(20, 200, n), {"units": "GeV", "long_name": "mass"}),
        "n_constituents": ("sample", count, {
            "units": "1", "long_name": "constituents kept", "sample_dimension": "constituent"}),
        "n_constituents_all": ("sample", count + 3, {"units": "1", "long_name": "constituents before the cut"}),
    }  # fmt: skip
    for name, values in (("eta", rng.normal(0, 0.1, (n, 30))), ("phi", rng.normal(0, 0.1, (n, 30))), ("pt", pt_rel)):
        attrs = {"units": "1", "long_name": f"relative {name} of each constituent"}
        data[f"constituent_{name}_rel"] = (("sample", "constituent"), values * real, attrs)
    return xr.Dataset(
        data, {"sample": ("sample", np.arange(n), {"units": "1", "long_name": "identity"})}, {"plugin": "jets"}
    )
