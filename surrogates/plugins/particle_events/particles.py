"""Particle and decay tables of the pinned Pythia: masses, charges, lifetimes, tau channels, secondary decays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

CAP = 40
TAU = 15
NEUTRINO = 16


@dataclass(frozen=True)
class Channel:
    """One decay channel of the negatively charged tau, or of a secondary particle."""

    index: int
    name: str
    branching_fraction: float
    products: tuple[int, ...]
    matrix_element: int


@dataclass(frozen=True)
class Particle:
    """Mass [GeV], width [GeV], charge [e] and proper lifetime [mm] of a particle."""

    pdg_id: int
    name: str
    mass: float
    width: float
    mass_minimum: float
    mass_maximum: float
    charge: int
    proper_lifetime: float
    stable: bool
    has_antiparticle: bool


@cache
def particles() -> dict[int, Particle]:
    """Particles by positive PDG id, as in Pythia 8.317."""
    table = json.loads(files(__name__.rpartition(".")[0]).joinpath("decays.json").read_text())
    return {
        int(key): Particle(int(key), **{k: row[k] for k in Particle.__dataclass_fields__ if k != "pdg_id"})
        for key, row in table["particles"].items()
    }


@cache
def channels(pdg_id: int = TAU) -> tuple[Channel, ...]:
    """Decay channels of a particle; for the tau, indexed as in Pythia's table."""
    table = json.loads(files(__name__.rpartition(".")[0]).joinpath("decays.json").read_text())
    rows = table["decays"][str(pdg_id)]
    return tuple(
        Channel(i, _name(row["products"]), row["branching_fraction"], tuple(row["products"]), row["matrix_element"])
        for i, row in enumerate(rows)
    )


_SYMBOLS = {
    11: "e-", -11: "e+", 12: "nu_e", -12: "nubar_e", 13: "mu-", -13: "mu+", 14: "nu_mu", -14: "nubar_mu", 16: "nu_tau",
    22: "gamma", 111: "pi0", 211: "pi+", -211: "pi-", 221: "eta", 223: "omega", 310: "K0S", 130: "K0L", 311: "K0",
    -311: "K0bar", 321: "K+", -321: "K-", 323: "K*+", -323: "K*-",
}  # fmt: skip


def _name(products: list[int]) -> str:
    return "_".join(_SYMBOLS[product] for product in products if product != NEUTRINO)


@cache
def self_conjugate() -> tuple[int, ...]:
    """PDG ids of particles that are their own antiparticles, in the table's sense (K0S and K0L among them)."""
    return tuple(i for i, particle in particles().items() if not particle.has_antiparticle)


def channel_names() -> tuple[str, ...]:
    """Labels of the tau channels, written for the tau- and without its neutrino, e.g. ``pi-`` or ``pi0_pi-``."""
    return tuple(channel.name for channel in channels())


@cache
def mass_table() -> tuple[np.ndarray, np.ndarray]:
    """Sorted positive PDG ids and their masses [GeV]."""
    ids = np.array(sorted(particles()))
    return ids, np.array([particles()[int(i)].mass for i in ids])


def charge_of(pdg_id: np.ndarray) -> np.ndarray:
    """Electric charge [e] of each PDG id, int8 (0 for padding)."""
    ids = np.array(sorted(particles()))
    charges = np.array([particles()[int(i)].charge for i in ids])
    position = np.clip(np.searchsorted(ids, np.abs(pdg_id)), 0, len(ids) - 1)
    known = ids[position] == np.abs(pdg_id)
    return np.where(known, charges[position] * np.sign(pdg_id), 0).astype(np.int8)
