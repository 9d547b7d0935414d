"""Visible energy, pion spectrum and acoplanarity of e+e- -> tau+ tau-: with Pythia, or with its surrogate.

The analysis takes a simulator and calls ``sample``; which one it is, is one line (SIMULATORS). Try

    python examples/replace_pythia.py
    python examples/replace_pythia.py --simulator reference
    python examples/replace_pythia.py --simulator both --plot tau_pairs.png
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr

import surrogates

SIMULATORS = {"surrogate": surrogates.load, "reference": surrogates.reference}
INVISIBLE = (12, 14, 16)


def visible_energy(events: xr.Dataset) -> np.ndarray:
    """Return, for each event, the energy of all particles but neutrinos, over sqrt(s)."""
    seen = ~np.isin(np.abs(events["pdg_id"].values), INVISIBLE)
    return (events["E"].values * seen).sum(axis=1) / events["energy"].values


def pion_energy_fraction(events: xr.Dataset) -> np.ndarray:
    """Return x = E_pi / (sqrt(s) / 2) of the pion of every tau -> pi nu; its slope measures the polarisation."""
    pdg_id, parent = events["pdg_id"].values, events["parent"].values
    found = []
    for tau in (-1, 1):
        mine = parent == tau
        only_pion = (mine.sum(axis=1) == 2) & ((np.abs(pdg_id) == 211) & mine).any(axis=1)
        energy = (events["E"].values * (mine & (np.abs(pdg_id) == 211))).sum(axis=1)
        found.append((energy / (events["energy"].values / 2))[only_pion])
    return np.concatenate(found)


def acoplanarity(events: xr.Dataset) -> np.ndarray:
    """Return pi minus the azimuthal angle between the charged momenta of the two taus, in radian, for each event."""
    angle = []
    for tau in (-1, 1):
        mine = (events["parent"].values == tau) & (events["charge"].values != 0)
        angle.append(np.arctan2((events["py"].values * mine).sum(axis=1), (events["px"].values * mine).sum(axis=1)))
    apart = np.abs(angle[0] - angle[1]) % (2 * np.pi)
    return np.pi - np.minimum(apart, 2 * np.pi - apart)


OBSERVABLES = {
    "visible energy / sqrt(s)": (visible_energy, (0.0, 1.0)),
    "x of the pion in tau -> pi nu": (pion_energy_fraction, (0.0, 1.0)),
    "acoplanarity [rad]": (acoplanarity, (0.0, 0.5)),
}


def analyse(name: str, n: int, energy: str, radiation: str, seed: int) -> dict[str, np.ndarray]:
    """Sample events from one simulator, print the mean of each observable, and return their values."""
    simulator = SIMULATORS[name]("particle-events")
    start = time.process_time()
    events = simulator.sample(n, seed=seed, energy=energy, initial_state_radiation=radiation)
    spent = time.process_time() - start
    print(f"{name}: {n} events in {spent:.1f} CPU-seconds")
    values = {title: observe(events) for title, (observe, _) in OBSERVABLES.items()}
    for title, observed in values.items():
        error = observed.std() / np.sqrt(max(observed.size, 1))
        print(f"  {title}: mean {observed.mean():.4f} +- {error:.4f} ({observed.size} entries)")
    return values


def plot(results: dict[str, dict[str, np.ndarray]], path: str) -> None:
    """Draw each observable, all simulators in one panel."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(OBSERVABLES), figsize=(4.5 * len(OBSERVABLES), 3.6), layout="constrained")
    for panel, (title, (_, limits)) in zip(panels, OBSERVABLES.items(), strict=True):
        for name, values in results.items():
            panel.hist(values[title], bins=40, range=limits, density=True, histtype="step", label=name)
        panel.set_xlabel(title)
        panel.set_ylabel("density")
    panels[0].legend()
    figure.savefig(path, dpi=150)
    print(f"figure: {path}")


def main() -> None:
    """Run the analysis."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", choices=[*SIMULATORS, "both"], default="surrogate")
    parser.add_argument("-n", type=int, default=2_000, help="number of events")
    parser.add_argument("--energy", default="91.2 GeV", help="sqrt(s), with units")
    parser.add_argument("--radiation", choices=["on", "off"], default="on", help="initial-state radiation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", metavar="FILE", help="draw the observables")
    given = parser.parse_args()
    names = list(SIMULATORS) if given.simulator == "both" else [given.simulator]
    results = {name: analyse(name, given.n, given.energy, given.radiation, given.seed) for name in names}
    if given.plot:
        plot(results, given.plot)


if __name__ == "__main__":
    main()
