"""The particle-events layout: the variables of an e+e- -> tau+ tau- event, and events from flat particle lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .description import Description, VariableDescription
from .formats import FormatError

if TYPE_CHECKING:
    import xarray as xr

CAP = 40
TAU, ELECTRON = 15, 11
ELECTRON_MASS = 0.51099895e-3
"""GeV; CODATA 2018."""

PARTICLE_VARIABLES = ("pdg_id", "px", "py", "pz", "E", "mass", "charge", "parent", "vx", "vy", "vz", "vt")
TAU_VARIABLES = ("tau_px", "tau_py", "tau_pz", "tau_E", "tau_vx", "tau_vy", "tau_vz", "tau_vt")


def require(block: xr.Dataset, names: tuple[str, ...], format_name: str) -> None:
    """Raise FormatError where `block` lacks a variable that the format is made of."""
    missing = [name for name in names if name not in block.variables]
    if missing:
        raise FormatError(f"{format_name} holds e+e- -> tau+ tau- events; the Dataset lacks {', '.join(missing)}")


def foreign_description() -> Description:
    """Return the layout of an event file that another program wrote: no flags, no asked decays."""
    gev, mm = "GeV", "mm"
    variables = {
        "sample": VariableDescription(("sample",), np.dtype("i8"), _attrs("1", "identity of the sample"), True),
        "energy": VariableDescription(("sample",), np.dtype("f8"), _attrs(gev, "centre-of-mass energy")),
        "n_particles": VariableDescription(("sample",), np.dtype("i8"), _attrs("1", "number of stable particles")),
        "n_dropped": VariableDescription(("sample",), np.dtype("i4"), _attrs("1", "particles beyond the cap")),
        "tau_decay": VariableDescription(("sample", "tau"), np.dtype("i2"), _attrs("1", "decay channel, -1 unknown")),
    }
    particle = {"pdg_id": ("i4", "1"), "charge": ("i1", "1"), "parent": ("i1", "1")}
    particle |= dict.fromkeys(("px", "py", "pz", "E", "mass"), ("f8", gev))
    particle |= dict.fromkeys(("vx", "vy", "vz", "vt"), ("f8", mm))
    for name, (dtype, units) in particle.items():
        attrs = _attrs(units, f"{name} of each particle")
        variables[name] = VariableDescription(("sample", "particle"), np.dtype(dtype), attrs)
    for name in TAU_VARIABLES:
        attrs = _attrs(mm if name.startswith("tau_v") else gev, f"{name} of each tau at its decay")
        variables[name] = VariableDescription(("sample", "tau"), np.dtype("f8"), attrs)
    sizes = {"particle": CAP, "tau": 2}
    return Description(sizes, variables, {"Conventions": "CF-1.12"}, {"particle": "n_particles"})


def _attrs(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def padded(flat: Mapping[str, np.ndarray], counts: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Return (n, size) arrays of flat particle columns; particles beyond `size` are left out."""
    event = np.repeat(np.arange(counts.size), counts)
    slot = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = slot < size
    arrays = {}
    for name, values in flat.items():
        arrays[name] = np.zeros((counts.size, size), values.dtype)
        arrays[name][event[kept], slot[kept]] = values[kept]
    return arrays


def charge(pdg_id: np.ndarray) -> np.ndarray:
    """Return charges in units of e, from the digits of PDG Monte Carlo codes (Review of Particle Physics, ch. 45).

    Parameters
    ----------
    pdg_id : int array
        Leptons, photons and hadrons.

    Returns
    -------
    int8 array
    """
    code = np.abs(pdg_id)
    thrice = np.array([0, -1, 2, -1, 2, -1, 2, -1, 2, 0])
    q1, q2, q3 = ((code // 10**place) % 10 for place in (3, 2, 1))
    meson = np.where(q2 % 2 == 0, thrice[q2] - thrice[q3], thrice[q3] - thrice[q2])
    hadron = np.where(q1 > 0, thrice[q1] + thrice[q2] + thrice[q3], meson)
    lepton = np.where((code >= 11) & (code <= 18) & (code % 2 == 1), -3, 0)
    value = np.where(code > 100, hadron, np.where(code == 24, 3, lepton))
    return (np.sign(pdg_id) * value // 3).astype(np.int8)
