"""Observables of e+e- -> tau+ tau- events, vectorised over the padded layout: one value an event.

Not-applicable values are NaN. `x` is the energy of the tau's visible products over the beam energy sqrt(s)/2; for
tau -> pi nu this is the x_pi whose spectrum 1 + P_tau (2x - 1) measures the polarisation at high energy (Tsai 1971,
Phys. Rev. D 4, 2821; ALEPH 2001, Eur. Phys. J. C 20, 401).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .kinematics import PARENTS, angle, beam_in_pair_frame, four_momenta, invariant_mass, momentum_size, unit

ENERGY_EDGES = (10.0, 15.0, 24.0, 36.0, 52.0, 70.0, 84.0, 90.0, 92.5, 105.0, 125.0, 150.0, 190.0, 230.0, 255.0)
"""Bins of sqrt(s) [GeV] in which energy-dependent figures are taken."""

RADIATION_THRESHOLD = 1e-3
"""Least energy of a counted radiation photon, in units of sqrt(s)."""

SINGLE_PION, RHO, THREE_PION_ONE_PRONG, THREE_PION_THREE_PRONG, FOUR_PION = 0, 4, 9, 10, 21
ELECTRON, MUON = 2, 3
"""Channel indices of Pythia 8.317's tau decay table."""

NEUTRINOS = (12, 14, 16)


def observables(events: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Observables of each event.

    Parameters
    ----------
    events : mapping
        Arrays of the particle-events layout: conditions and outputs, (n, 40) and (n, 2).

    Returns
    -------
    dict of numpy.ndarray
        Arrays (n,). Energies are fractions of sqrt(s) (`…_fraction`), of the beam energy (`x_…`) or GeV (`…_mass`).
    """
    ids = np.asarray(events["pdg_id"])
    parent = np.asarray(events["parent"])
    energy = np.asarray(events["energy"], dtype=np.float64)
    decay = np.asarray(events["tau_decay"]).astype(np.int64)
    momentum = four_momenta(events)
    size = np.abs(ids)
    present = ids != 0
    visible = present & ~np.isin(size, NEUTRINOS)
    charged = present & (np.asarray(events["charge"]) != 0)
    photon = size == 22
    radiated = present & (parent == 0)
    own = [present & (parent == side) for side in PARENTS]
    seen = [_sum(momentum, side & visible) for side in own]
    everything = _sum(momentum, visible & ~radiated)
    taus = four_momenta(events, "tau_")
    beams = np.zeros_like(everything)
    beams[:, 3] = energy

    found: dict[str, np.ndarray] = {
        "energy": energy,
        "initial_state_radiation": np.asarray(events["initial_state_radiation"]).astype(np.float64),
        "charged_multiplicity": (charged & ~radiated).sum(1).astype(np.float64),
        "visible_multiplicity": (visible & ~radiated).sum(1).astype(np.float64),
        "photon_multiplicity": (photon & ~radiated).sum(1).astype(np.float64),
        "visible_energy_fraction": everything[:, 3] / energy,
        "missing_mass_fraction": invariant_mass(beams - everything) / energy,
        "acoplanarity": np.pi - np.abs(_wrap(_azimuth(seen[0]) - _azimuth(seen[1]))),
        "acollinearity": np.pi - angle(seen[0][:, :3], seen[1][:, :3]),
        "decay_minus": decay[:, 0].astype(np.float64),
        "decay_plus": decay[:, 1].astype(np.float64),
    }
    found |= _radiation(momentum, photon & radiated, radiated, energy)
    found |= _production(taus, energy)
    for name, side, total, code, lepton_parent in zip(
        ("minus", "plus"), own, seen, (decay[:, 0], decay[:, 1]), PARENTS, strict=True
    ):
        found |= _side(name, momentum, ids, side, visible, photon, charged, total, code, energy, lepton_parent)
    return found


def _sum(momentum: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.einsum("npk,np->nk", momentum, mask.astype(np.float64))


def _azimuth(momentum: np.ndarray) -> np.ndarray:
    return np.arctan2(momentum[..., 1], momentum[..., 0])


def _wrap(phase: np.ndarray) -> np.ndarray:
    """Angles folded to [-pi, pi)."""
    return (phase + np.pi) % (2 * np.pi) - np.pi


def _where(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(mask, values, np.nan)


def _radiation(
    momentum: np.ndarray, photon: np.ndarray, radiated: np.ndarray, energy: np.ndarray
) -> dict[str, np.ndarray]:
    """Number, hardest energy and direction, and total energy of what beams and taus radiate before the decays."""
    share = np.where(photon, momentum[..., 3], 0.0) / energy[:, None]
    hardest = share.argmax(1)
    rows = np.arange(len(energy))
    hard = share[rows, hardest]
    direction = momentum[rows, hardest]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = direction[:, 2] / momentum_size(direction)
        log_hard = np.log10(hard)
    above = hard > RADIATION_THRESHOLD
    return {
        "radiation_multiplicity": (share > RADIATION_THRESHOLD).sum(1).astype(np.float64),
        "radiated_fraction": np.where(radiated, momentum[..., 3], 0.0).sum(1) / energy,
        "log_hardest_radiation": _where(above, log_hard),
        "cosine_hardest_radiation": _where(above, cosine),
    }


def _production(taus: np.ndarray, energy: np.ndarray) -> dict[str, np.ndarray]:
    """Mass and motion of the tau pair, and the tau-'s direction in the pair's rest frame."""
    pair = taus.sum(1)
    mass = invariant_mass(pair)
    beam, in_pair = beam_in_pair_frame(taus)
    return {
        "pair_mass_fraction": mass / energy,
        "pair_longitudinal_motion": pair[:, 2] / (pair[:, 3] + mass),
        "cosine_tau_minus": (beam * unit(in_pair[:, 0, :3])).sum(-1),
        "azimuth_tau_minus": _azimuth(taus[:, 0]),
    }


def _side(
    name: str,
    momentum: np.ndarray,
    ids: np.ndarray,
    own: np.ndarray,
    visible: np.ndarray,
    photon: np.ndarray,
    charged: np.ndarray,
    total: np.ndarray,
    decay: np.ndarray,
    energy: np.ndarray,
    parent: int,
) -> dict[str, np.ndarray]:
    """Observables of one tau's visible products; `parent` is the tau's charge."""
    x = total[:, 3] / (0.5 * energy)
    prongs = (own & charged).sum(1)
    track = _sum(momentum, own & charged)
    neutral = total - track
    photons = _sum(momentum, own & photon)
    mass = invariant_mass(total)
    hardest = np.where(own & photon, momentum[..., 3], 0.0).max(1) / (0.5 * energy)
    hadronic = (decay != ELECTRON) & (decay != MUON)
    found = {
        f"x_{name}": x,
        f"charged_multiplicity_{name}": prongs.astype(np.float64),
        f"photon_energy_{name}": photons[:, 3] / (0.5 * energy),
        f"hardest_photon_{name}": _where(hardest > 0, hardest),
        f"hadronic_mass_{name}": _where(hadronic & (decay != SINGLE_PION), mass),
        f"x_electron_{name}": _where(decay == ELECTRON, x),
        f"x_muon_{name}": _where(decay == MUON, x),
        f"x_pi_{name}": _where(decay == SINGLE_PION, x),
        f"x_rho_{name}": _where(decay == RHO, x),
        f"x_other_{name}": _where(~np.isin(decay, (ELECTRON, MUON, SINGLE_PION, RHO)), x),
        f"mass_rho_{name}": _where(decay == RHO, mass),
        f"mass_three_pion_one_prong_{name}": _where(decay == THREE_PION_ONE_PRONG, mass),
        f"mass_three_pion_three_prong_{name}": _where(decay == THREE_PION_THREE_PRONG, mass),
        f"mass_four_pion_{name}": _where(decay == FOUR_PION, mass),
        f"rho_asymmetry_{name}": _where(decay == RHO, (track[:, 3] - neutral[:, 3]) / total[:, 3]),
    }
    found[f"mass_opposite_pions_{name}"] = _where(
        decay == THREE_PION_THREE_PRONG, _opposite_pions(momentum, ids, own, parent)
    )
    return found


def _opposite_pions(momentum: np.ndarray, ids: np.ndarray, own: np.ndarray, parent: int) -> np.ndarray:
    """Mean mass [GeV] of the two opposite-sign pion pairs in tau- -> pi- pi- pi+ nu and its conjugate."""
    odd = _sum(momentum, own & (ids == -parent * 211))
    total = np.zeros(len(ids))
    count = np.zeros(len(ids))
    same = own & (ids == parent * 211)
    for slot in np.flatnonzero(same.any(0)):
        mine = same[:, slot]
        total[mine] += invariant_mass(odd[mine] + momentum[mine, slot])
        count += mine
    return total / np.maximum(count, 1)
