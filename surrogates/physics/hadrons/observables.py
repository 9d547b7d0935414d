"""Observables of an interaction: multiplicities, Feynman x, transverse momentum, elasticity. NumPy, padded records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import beams

Record = Mapping[str, np.ndarray]

NUCLEON = 0.938
FAMILIES = ("pions", "kaons", "nucleons", "others")
"""Charged pions; charged and neutral kaons; protons and neutrons; neutral pions and etas, hyperons, antibaryons."""

FEYNMAN_EDGES = np.concatenate(
    [[-1.5], np.linspace(-1.0, -0.2, 5), np.linspace(-0.15, 0.15, 13), np.linspace(0.2, 1.05, 14)]
)
MOMENTUM_EDGES = np.concatenate([np.linspace(0.0, 1.0, 21), [1.2, 1.4, 1.7, 2.0, 3.0, 10.0]])
"""GeV."""


def is_remnant(pdg_id: np.ndarray) -> np.ndarray:
    """Entries that are nuclear remnants."""
    return pdg_id > beams.NUCLEUS


def family(pdg_id: np.ndarray) -> np.ndarray:
    """Index into `FAMILIES` of each entry; -1 of remnants and of no particle."""
    code = np.abs(pdg_id)
    kaon = np.isin(code, (321, 310, 130, 311))
    nucleon = np.isin(pdg_id, (2212, 2112))
    found = np.where(code == 211, 0, np.where(kaon, 1, np.where(nucleon, 2, 3)))
    return np.where((pdg_id == 0) | is_remnant(pdg_id), -1, found)


def feynman_x(pz: np.ndarray, energy: np.ndarray, projectile: np.ndarray, beam: np.ndarray) -> np.ndarray:
    """Feynman x: 2 p_z / sqrt(s) in the centre of mass of the projectile and one nucleon at rest.

    Parameters
    ----------
    pz, energy : ndarray
        (n, k) in the laboratory, GeV.
    projectile, beam : ndarray
        (n,) codes and total energies, GeV.
    """
    mass = beams.PROJECTILE_MASS[projectile]
    along = np.sqrt(beam**2 - mass**2)
    s = mass**2 + NUCLEON**2 + 2.0 * beam * NUCLEON
    gamma, boost = (beam + NUCLEON) / np.sqrt(s), along / np.sqrt(s)
    moved = gamma[:, None] * pz - boost[:, None] * energy
    return 2.0 * moved / np.sqrt(s)[:, None]


def spectra(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Entries of each interaction in bins of Feynman x and of transverse momentum, (n, family, bin) each."""
    ids = np.asarray(record["pdg_id"])
    kinds = family(ids)
    row, slot = np.nonzero(kinds >= 0)
    projectile = np.asarray(record["projectile"]).astype(np.int64)
    x = feynman_x(record["pz"], record["E"], projectile, np.asarray(record["energy"], dtype=np.float64))
    pt = np.hypot(record["px"], record["py"])
    found = []
    for values, edges in ((x, FEYNMAN_EDGES), (pt, MOMENTUM_EDGES)):
        place = np.clip(np.searchsorted(edges, values[row, slot], side="right") - 1, 0, len(edges) - 2)
        shape = (len(ids), len(FAMILIES), len(edges) - 1)
        flat = np.ravel_multi_index((row, kinds[row, slot], place), shape)
        found.append(np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape))
    return found[0], found[1]


def summary(record: Record) -> dict[str, np.ndarray]:
    """Numbers of each interaction, (n,) each.

    Returns
    -------
    dict
        ``charged`` and ``neutral`` particles, ``pions`` … ``others``: counts; ``strange``: particles with strangeness;
        ``antibaryons``; ``elasticity``: energy of the leading particle over the beam's, ``leading``: its family;
        ``leading_pt``, ``mean_pt`` of all particles [GeV]; ``pion_energy``, ``neutral_energy``: shares of the beam's
        energy in charged pions, and in neutral pions and etas; ``left``: nucleons of the remnant; ``forward``:
        particles with Feynman x above 0.1.
    """
    ids = np.asarray(record["pdg_id"])
    kinds = family(ids)
    own = kinds >= 0
    energy, beam = np.where(own, record["E"], 0.0), np.asarray(record["energy"], dtype=np.float64)
    pt = np.where(own, np.hypot(record["px"], record["py"]), 0.0)
    charge = np.asarray(record["charge"])
    code = np.abs(ids)
    lead = energy.argmax(1)[:, None]
    x = feynman_x(record["pz"], record["E"], np.asarray(record["projectile"]).astype(np.int64), beam)
    found = {name: (kinds == k).sum(1) for k, name in enumerate(FAMILIES)}
    baryon = (code > 1000) & own
    return found | {
        "charged": ((charge != 0) & own).sum(1),
        "neutral": ((charge == 0) & own).sum(1),
        "strange": (((kinds == 1) | (baryon & (code > 3000))) & own).sum(1),
        "antibaryons": (baryon & (ids < 0)).sum(1),
        "elasticity": energy.max(1) / beam,
        "leading": np.take_along_axis(kinds, lead, 1)[:, 0],
        "leading_pt": np.take_along_axis(pt, lead, 1)[:, 0],
        "mean_pt": pt.sum(1) / np.maximum(own.sum(1), 1),
        "pion_energy": (energy * (kinds == 0)).sum(1) / beam,
        "neutral_energy": (energy * np.isin(ids, (111, 221))).sum(1) / beam,
        "left": np.where(is_remnant(ids), (ids // 10) % 1000, 0).sum(1),
        "forward": (own & (x > 0.1)).sum(1),
    }
