"""Spin analysers of tau decays and the azimuths that show transverse spin correlations.

In its own rest frame a tau- of spin s decays with density 1 + s . h, a tau+ with 1 - s . h. For pi nu the analyser h is
the direction of the pion. For rho nu it is the polarimeter vector of Tsai (1971, Phys. Rev. D 4, 2821) as in TAUOLA
(Jadach et al. 1993, Comput. Phys. Commun. 76, 361): h ~ 2 (q.N) q - q^2 N with q = p(pi) - p(pi0) and N the neutrino's
momentum; it reaches the pion's sensitivity. For every other channel it is the direction of the visible products, which
analyses more weakly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .kinematics import PARENTS, four_momenta, tau_frames, unit
from .observables import NEUTRINOS, RHO, SINGLE_PION

_METRIC = np.array([-1.0, -1.0, -1.0, 1.0])


def spin_observables(events: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Spin analysers of both taus and the angles between their decays.

    Parameters
    ----------
    events : mapping
        Arrays of the particle-events layout.

    Returns
    -------
    dict of numpy.ndarray
        (n,) each: `analyser_{x,y,z}_{minus,plus}` in the axes of `production_axes` (z along the tau-, x in the
        production plane; the same axes for both taus), `azimuth_difference` and `azimuth_sum` [rad] of the two
        analysers about the tau axis, in [0, 2 pi), `rho_plane_angle` [rad]: the angle between the two rho -> pi pi0
        planes, signed by the product of the pion energy asymmetries (NaN unless both taus decay to rho nu).
    """
    taus = four_momenta(events, "tau_")
    decay = np.asarray(events["tau_decay"]).astype(np.int64)
    found: dict[str, np.ndarray] = {}
    normals, signs, phases = [], [], []
    for side, name in enumerate(("minus", "plus")):
        analyser, normal, sign = _analyser(events, taus, decay[:, side], side)
        for axis, component in zip("xyz", analyser.T, strict=True):
            found[f"analyser_{axis}_{name}"] = component
        phases.append(np.arctan2(analyser[:, 1], analyser[:, 0]))
        normals.append(normal)
        signs.append(sign)
    turn = 2 * np.pi
    found["azimuth_difference"] = (phases[1] - phases[0]) % turn
    found["azimuth_sum"] = (phases[1] + phases[0]) % turn
    both = (decay == RHO).all(1)
    cosine = np.clip((normals[0] * normals[1]).sum(-1), -1.0, 1.0)
    plane = np.arccos(cosine)
    found["rho_plane_angle"] = np.where(both, np.where(signs[0] * signs[1] > 0, plane, np.pi - plane), np.nan)
    return found


def _analyser(
    events: Mapping[str, np.ndarray], taus: np.ndarray, decay: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit analyser (n, 3), normal of the pi pi0 plane (n, 3) and sign of the pion energy asymmetry (n,) of one tau."""
    ids = np.asarray(events["pdg_id"])
    own = (ids != 0) & (np.asarray(events["parent"]) == PARENTS[side])
    size = np.abs(ids)
    momentum = four_momenta(events)
    frame = tau_frames(taus, side)

    def total(mask: np.ndarray) -> np.ndarray:
        return np.einsum("nij,npj,np->ni", frame, momentum, (own & mask).astype(np.float64), optimize=True)

    neutrino = np.isin(size, NEUTRINOS)
    visible = total(~neutrino)
    pion = total(size == 211)
    neutral = visible - pion
    lost = total(neutrino)
    difference = pion - neutral
    product = (difference * lost * _METRIC).sum(-1, keepdims=True)
    square = (difference**2 * _METRIC).sum(-1, keepdims=True)
    polarimeter = 2.0 * product * difference - square * lost
    direction = np.where((decay == RHO)[:, None], polarimeter[:, :3], visible[:, :3])
    normal = unit(np.cross(pion[:, :3], neutral[:, :3]))
    laboratory = np.where(own & (size == 211), momentum[..., 3], 0.0).sum(1)
    rest = np.where(own & ~neutrino & (size != 211), momentum[..., 3], 0.0).sum(1)
    return unit(direction), normal, np.sign(laboratory - rest)


def decay_pairs(minus: np.ndarray, plus: np.ndarray) -> dict[str, np.ndarray]:
    """Boolean masks (n,) of the pairs whose spins both decays analyse fully."""
    pion = [side == SINGLE_PION for side in (minus, plus)]
    rho = [side == RHO for side in (minus, plus)]
    return {
        "pi_pi": pion[0] & pion[1],
        "pi_rho": (pion[0] & rho[1]) | (rho[0] & pion[1]),
        "rho_rho": rho[0] & rho[1],
    }
