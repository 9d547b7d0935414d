"""Gap and dipole of generated molecules by GFN2-xTB, where they are asked."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from ...counting import counted
from ...physics.molecules.descriptors import canonical
from ...physics.molecules.simulation import CONVERGED, Simulated, simulate

if TYPE_CHECKING:
    import xarray as xr

SIMULATED = ("gap", "dipole")
"""Properties that RDKit cannot compute."""

MOST = 1000
"""Molecules of a Dataset that are simulated."""

SEED = 0
"""Of every conformer: a molecule has one answer wherever it stands."""

_LEFT_OUT = -1


@lru_cache(maxsize=1 << 16)
def simulated(smiles: str) -> Simulated:
    """GFN2-xTB's properties of a canonical SMILES, at the conformer of `SEED`."""
    return simulate(smiles, SEED)


def found_by_simulation(dataset: xr.Dataset, smiles: list[str], valid: np.ndarray, most: int) -> dict[str, Any]:
    """What GFN2-xTB finds of the first valid molecules of which a gap or dipole is asked.

    Parameters
    ----------
    dataset : Dataset
        Its `gap` [eV] and `dipole` [debye], where it has them, are what is asked.
    smiles : list of str
    valid : ndarray
        (n,) bool.
    most : int
        Molecules that are simulated.

    Returns
    -------
    dict
        `asked_gap`, `found_gap` and so on (sample,), NaN where there is none; `simulation` (sample,): the status of
        the chain, an index into `STATUSES`, -1 of a molecule that was not simulated. Empty where nothing is asked, or
        tblite is not installed, of which one line warns.
    """
    unasked = np.full(len(smiles), np.nan)
    asked = {name: np.asarray(dataset[name].values, dtype=float) if name in dataset else unasked for name in SIMULATED}
    wanted = np.any([np.isfinite(values) for values in asked.values()], axis=0)
    if not wanted.any():
        return {}
    if find_spec("tblite") is None:
        warnings.warn(
            "gap_error and dipole_error are not measured: tblite is not installed, pip install 'surrogates[xtb]'",
            stacklevel=4,
        )
        return {}
    status = np.full(len(smiles), _LEFT_OUT, dtype=np.int8)
    found = {name: unasked.copy() for name in SIMULATED}
    rows = np.flatnonzero(wanted & valid)[:most]
    for row in counted(rows, "molecules simulated", len(rows)):
        properties = simulated(canonical(smiles[row]) or smiles[row])
        status[row] = properties.status
        for name in SIMULATED:
            found[name][row] = getattr(properties, name)
    data: dict[str, Any] = {"simulation": (("sample",), status)}
    data |= {f"asked_{name}": (("sample",), values) for name, values in asked.items()}
    return data | {f"found_{name}": (("sample",), values) for name, values in found.items()}


def simulation_errors(reduced: xr.Dataset) -> dict[str, float]:
    """Mean absolute difference of GFN2-xTB's and asked gap [eV] and dipole [debye] over the simulated molecules.

    `gap_error` and `dipole_error` leave out molecules on which the chain failed; `simulation_failed` is their share.
    Nothing where no molecule was simulated.
    """
    if "simulation" not in reduced:
        return {}
    status = reduced["simulation"].values
    tried = status != _LEFT_OUT
    if not tried.any():
        return {}
    figures = {"simulation_failed": float(np.mean(status[tried] != CONVERGED))}
    for name in SIMULATED:
        difference = np.abs(reduced[f"found_{name}"].values - reduced[f"asked_{name}"].values)
        if np.isfinite(difference).any():
            figures[f"{name}_error"] = float(np.nanmean(difference))
    return figures
