"""What a hadron does in matter: energy that goes into photons, the leading particle, and muon parents.

The analysis takes a simulator and calls ``sample``; which one it is, is one line (SIMULATORS). Try

    python examples/replace_chromo.py
    python examples/replace_chromo.py --simulator reference --target N --projectile pi+
    python examples/replace_chromo.py --simulator both -n 500
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr

import surrogates

SIMULATORS = {"surrogate": surrogates.load, "reference": surrogates.reference}


def electromagnetic(found: xr.Dataset) -> np.ndarray:
    """Share of the beam's energy in neutral pions and etas, which decay into photons."""
    neutral = np.isin(found["pdg_id"].values, (111, 221))
    return (found["E"].values * neutral).sum(axis=1) / found["energy"].values


def elasticity(found: xr.Dataset) -> np.ndarray:
    """Energy of the leading particle over the beam's."""
    return found["E"].values[:, 0] / found["energy"].values


def muon_parents(found: xr.Dataset) -> np.ndarray:
    """Charged pions and kaons with more than a tenth of the beam's energy."""
    parents = np.isin(np.abs(found["pdg_id"].values), (211, 321))
    return (parents & (found["E"].values > 0.1 * found["energy"].values[:, None])).sum(axis=1)


OBSERVABLES = {
    "energy in pi0 and eta": electromagnetic,
    "elasticity": elasticity,
    "pions and kaons above a tenth of the energy": muon_parents,
}


def main() -> None:
    """Run the analysis."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", choices=[*SIMULATORS, "both"], default="surrogate")
    parser.add_argument("-n", type=int, default=2_000, help="number of interactions")
    parser.add_argument("--projectile", default="p")
    parser.add_argument("--energy", default="1 TeV", help="total energy of the projectile, with units")
    parser.add_argument("--target", default="O")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asked = {"projectile": given.projectile, "energy": given.energy, "target": given.target}
    for name in SIMULATORS if given.simulator == "both" else [given.simulator]:
        simulator = SIMULATORS[name]("hadron-interactions")
        start = time.perf_counter()
        found = simulator.sample(given.n, seed=given.seed, **asked)
        print(f"{name}: {given.n} interactions in {time.perf_counter() - start:.1f} s")
        for title, observe in OBSERVABLES.items():
            values = observe(found)
            print(f"  {title}: {values.mean():.4f} +- {values.std() / np.sqrt(len(values)):.4f}")


if __name__ == "__main__":
    main()
