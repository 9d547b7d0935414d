"""Events as HEPEVT columns: beams, taus, the mesons that flew, and stable particles, each with its mother's line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .blocks import rows
from .event_layout import ELECTRON, ELECTRON_MASS, PARTICLE_VARIABLES, TAU
from .ragged import check_counts, real_entries

if TYPE_CHECKING:
    import xarray as xr

UNKNOWN_INTERMEDIATE = 90
"""A code that the PDG leaves to generators, for an intermediate state that is neither a pi0 nor a K0S."""
PION, KAON = 111, 310
_INTERMEDIATES = {PION: 0.1349768, KAON: 0.497611}
"""GeV; S. Navas et al. (PDG), Phys. Rev. D 110, 030001 (2024)."""
_NEAR = 1e-3
_LONGEST_PION = 1e-3
"""mm; forty proper decay lengths of a pi0, 25.5 nm."""


def hepevt(block: xr.Dataset) -> dict[str, np.ndarray]:
    """Return HEPEVT columns of all events one after the other: beams, taus, intermediates, stable particles."""
    n = rows(block)
    counts = block["n_particles"].values
    check_counts("n_particles", counts, "particle", block.sizes["particle"])
    real = real_entries(counts, block.sizes["particle"])
    final = {name: block[name].values[real] for name in PARTICLE_VARIABLES}
    event = np.repeat(np.arange(n), counts)
    tau_vertex = np.stack([block[f"tau_v{axis}"].values for axis in "xyzt"], axis=-1)
    tau = np.stack([block[f"tau_{axis}"].values for axis in ("px", "py", "pz", "E")], axis=-1)

    side = (final["parent"] > 0).astype(int)
    vertex = np.stack([final[f"v{axis}"] for axis in "xyzt"], axis=-1)
    of_tau = final["parent"] != 0
    apart = np.abs(vertex - tau_vertex[event, side]) > 1e-12 * (1 + np.abs(vertex))
    displaced = np.flatnonzero(of_tau & apart.any(axis=-1))
    keys = np.column_stack([event[displaced], side[displaced], vertex[displaced]])
    groups, member = np.unique(keys, axis=0, return_inverse=True)
    group_event = groups[:, 0].astype(int)
    momentum = np.zeros((len(groups), 4))
    np.add.at(momentum, member.reshape(-1), np.stack([final[k][displaced] for k in ("px", "py", "pz", "E")], axis=-1))
    group_side, group_vertex = groups[:, 1].astype(int), groups[:, 2:]
    group_code = _intermediate(np.sqrt(np.maximum(_squared_mass(momentum), 0)))
    pairs, kaon_vertex = _kaons(group_event, group_side, group_code, group_vertex, momentum, tau_vertex)
    made_event = np.concatenate([group_event[pairs[:, 0]], group_event])
    made_side = np.concatenate([group_side[pairs[:, 0]], group_side])
    made_momentum = np.concatenate([momentum[pairs].sum(axis=1), momentum])
    made_code = np.concatenate([np.full(len(pairs), KAON, np.int32), group_code])
    made_vertex = tau_vertex[made_event, made_side]
    made_vertex[len(pairs) + pairs] = kaon_vertex[:, None]
    in_event = np.bincount(made_event, minlength=n)
    rank = np.empty(len(made_event), int)
    order = np.argsort(made_event, kind="stable")
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(in_event) - in_event, in_event)

    offset = np.concatenate([[0], np.cumsum(4 + in_event + counts)])
    at_made = offset[made_event] + 4 + rank
    at_final = np.repeat(offset[:-1] + 4 + in_event, counts)
    at_final += np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)

    columns: dict[str, np.ndarray] = {name: np.zeros(offset[-1]) for name in ("px", "py", "pz", "E", "mass")}
    columns |= {f"v{axis}": np.zeros(offset[-1]) for axis in "xyzt"}
    columns |= {name: np.zeros(offset[-1], np.int32) for name in ("pdg_id", "status")}
    parents = np.zeros((offset[-1], 2), np.int32)
    half = block["energy"].values / 2
    for slot, sign in enumerate((1, -1)):
        at = offset[:-1] + slot
        columns["pz"][at] = sign * np.sqrt(np.maximum(half**2 - ELECTRON_MASS**2, 0))
        columns["E"][at], columns["mass"][at] = half, ELECTRON_MASS
        columns["pdg_id"][at], columns["status"][at] = sign * ELECTRON, 4
    for slot, sign in enumerate((1, -1)):
        at = offset[:-1] + 2 + slot
        _put(columns, at, tau[:, slot])
        columns["pdg_id"][at], columns["status"][at] = sign * TAU, 2
        parents[at] = (1, 2)
    _put(columns, at_made, made_momentum)
    columns["pdg_id"][at_made], columns["status"][at_made] = made_code, 2
    line = at_made - offset[made_event] + 1
    mother_line = 3 + made_side
    mother_line[len(pairs) + pairs] = line[: len(pairs), None]
    parents[at_made] = mother_line[:, None]
    for i, axis in enumerate("xyzt"):
        columns[f"v{axis}"][at_made] = made_vertex[:, i]
    for name in ("px", "py", "pz", "E", "mass", "pdg_id", "vx", "vy", "vz", "vt"):
        columns[name][at_final] = final[name]
    columns["status"][at_final] = 1
    parents[at_final] = np.where(of_tau[:, None], (3 + side)[:, None], [[1, 2]])
    parents[at_final[displaced]] = line[len(pairs) + member.reshape(-1)][:, None]
    return columns | {"parents": parents, "offset": offset}


def _put(columns: dict[str, np.ndarray], at: np.ndarray, momentum: np.ndarray) -> None:
    for i, name in enumerate(("px", "py", "pz", "E")):
        columns[name][at] = momentum[:, i]
    columns["mass"][at] = np.sqrt(np.maximum(_squared_mass(momentum), 0))


def _squared_mass(momentum: np.ndarray) -> np.ndarray:
    return momentum[:, 3] ** 2 - np.sum(momentum[:, :3] ** 2, axis=1)


def _intermediate(mass: np.ndarray) -> np.ndarray:
    code = np.full(mass.shape, UNKNOWN_INTERMEDIATE, np.int32)
    for pdg_id, known in _INTERMEDIATES.items():
        code[np.abs(mass - known) < _NEAR] = pdg_id
    return code


def _kaons(
    event: np.ndarray,
    side: np.ndarray,
    code: np.ndarray,
    vertex: np.ndarray,
    momentum: np.ndarray,
    tau_vertex: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the K0S -> pi0 pi0 among intermediates: (k, 2) indices of their pi0 and (k, 4) decay vertices.

    A pi0 that ends farther from the tau's vertex than it lives was made by a K0S; two of one tau whose mass is a K0S's
    are its daughters. The K0S ends where its own line from the tau's vertex meets the lines of both pi0.
    """
    flight = np.sqrt(np.sum((vertex - tau_vertex[event, side])[:, :3] ** 2, axis=1))
    size = np.sqrt(np.sum(momentum[:, :3] ** 2, axis=1))
    far = np.flatnonzero((code == PION) & (flight * _INTERMEDIATES[PION] > _LONGEST_PION * size))
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for place, first in enumerate(far.tolist()):
        for second in far[place + 1 :].tolist():
            if (event[second], side[second]) != (event[first], side[first]):
                break
            mass = np.sqrt(max(float(_squared_mass(momentum[[first]] + momentum[[second]])[0]), 0.0))
            if not {first, second} & used and abs(mass - _INTERMEDIATES[KAON]) < _NEAR:
                pairs.append((first, second))
                used |= {first, second}
    found = np.empty((len(pairs), 4))
    for row, pair in enumerate(map(list, pairs)):
        start = tau_vertex[event[pair[0]], side[pair[0]]]
        kaon, (one, other) = momentum[pair].sum(axis=0), momentum[pair]
        none = np.zeros(4)
        lines = np.column_stack([np.tile(kaon, 2), np.concatenate([one, none]), np.concatenate([none, other])])
        steps = np.linalg.lstsq(lines, (vertex[pair] - start).ravel(), rcond=None)[0]
        found[row] = start + steps[0] * kaon
    return np.array(pairs, int).reshape(-1, 2), found
