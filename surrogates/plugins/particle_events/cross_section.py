"""Cross-section of e+e- -> gamma*/Z -> tau+ tau- with its statistical error: Pythia's own, tabulated over energy.

``python -m surrogates.plugins.particle_events.cross_section`` makes the table again.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...provenance import package_version
from . import simulation

if TYPE_CHECKING:
    import xarray as xr

TABLE = Path(__file__).with_name("cross_section.json")
TRIALS = {"off": 1_000, "on": 30_000}
"""Events generated at each energy; without radiation the integrand is a constant."""
INTERPOLATION = 2e-3
"""Relative error of interpolating between tabulated energies, added to Pythia's own in quadrature."""
_POLE_STEP = {"off": 0.1, "on": 0.25}  # GeV
_PICOBARN = 1e9  # in a millibarn


def cross_section(events: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-section of each event's process and its error, in pb.

    Parameters
    ----------
    events : Dataset
        With `energy` [GeV] and `initial_state_radiation`, as the plugin's conditions; without the latter, with it.

    Returns
    -------
    (n,) arrays
        Of the pair with any decays, interpolated between tabulated energies linearly in the logarithms; NaN where the
        table has no such energy.
    """
    energy = np.log(np.asarray(events["energy"].values, float))
    radiation = (
        events["initial_state_radiation"].values if "initial_state_radiation" in events else np.ones(len(energy))
    )
    found = np.full((2, len(energy)), np.nan)
    for radiating, (at, value, error) in enumerate(_table()):
        for row, column in enumerate((value, error)):
            here = np.interp(energy, np.log(at), np.log(column), left=np.nan, right=np.nan)
            found[row] = np.where(np.asarray(radiation) == radiating, np.exp(here), found[row])
    return found[0], found[1]


@cache
def _table() -> tuple[tuple[np.ndarray, ...], ...]:
    stored = json.loads(TABLE.read_text(encoding="utf-8"))["initial_state_radiation"]
    return tuple(tuple(np.array(stored[label][name]) for name in ("energy", "value", "error")) for label in TRIALS)


def simulated(energy: float, radiation: bool, trials: int, seed: int = 1) -> tuple[float, float]:
    """Pythia's cross-section and its error in pb, from generating `trials` hard processes at `energy` [GeV]."""
    lines = simulation.settings(energy, radiation, seed)
    instance = simulation.pythia([*lines, "PartonLevel:all = off", "HadronLevel:all = off"])
    for _ in range(trials):
        instance.next()
    found = instance.infoPython()
    return float(found.sigmaGen() * _PICOBARN), float(found.sigmaErr() * _PICOBARN)


def _tabulated(label: str) -> dict[str, list[float]]:
    step = _POLE_STEP[label]
    energies = np.unique(np.round(np.concatenate([np.geomspace(10.0, 400.0, 50), np.arange(86.0, 98.0, step)]), 3))
    values = [simulated(energy, label == "on", TRIALS[label]) for energy in energies.tolist()]
    return {
        "energy": energies.tolist(),
        "value": [float(f"{value:.6g}") for value, _ in values],
        "error": [float(f"{np.hypot(error, INTERPOLATION * value):.3g}") for value, error in values],
    }


def _main() -> None:
    content: dict[str, Any] = {
        "process": "e+e- -> gamma*/Z -> tau+ tau-, pair mass above 3.6 GeV",
        "made_by": f"pythia8mc {package_version('pythia8mc')}",
        "units": {"energy": "GeV", "value": "pb", "error": "pb"},
        "trials": TRIALS,
        "initial_state_radiation": {label: _tabulated(label) for label in TRIALS},
    }
    TABLE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
