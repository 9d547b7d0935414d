"""Covariance of the matter power spectrum from many boxes: by N-body simulation, or by its surrogate.

The analysis takes a simulator and calls ``stream``; which one it is, is one line (SIMULATORS). Equal seeds start from
equal initial fields, so that the two answers differ by the surrogate's error alone. Try

    python examples/replace_nbody.py
    python examples/replace_nbody.py --simulator both --boxes 200
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

import surrogates
from surrogates.physics.cosmology.particle_mesh import density_contrast
from surrogates.physics.cosmology.spectra import power, shells

SIMULATORS = {"surrogate": surrogates.load, "reference": surrogates.reference}
EDGES = np.linspace(0.05, 1.05, 11)
"""Of the shells of wavenumber, h/Mpc."""


def spectra(name: str, boxes: int, seed: int) -> Iterator[np.ndarray]:
    """P(k) in `EDGES` of each box, one after the other, (Mpc/h)^3."""
    simulator = SIMULATORS[name]("cosmic-web")
    for block in simulator.stream(boxes, seed=seed, block=4, omega_m=0.31, sigma_8=0.81, redshift=0.0):
        side = block.sizes["x"]
        box_size = 2.0 * side
        _, k = shells(2 * side, box_size)
        shell = np.digitize(k, EDGES) - 1
        for displacement in block["displacement"].values:
            found = power(density_contrast(displacement, 2 * side, box_size), box_size)
            yield np.array([found[shell == s].mean() for s in range(len(EDGES) - 1)])


def analyse(name: str, boxes: int, seed: int) -> np.ndarray:
    """Print mean and scatter of P(k) of one simulator and what they cost; return (boxes, shell) powers."""
    start = time.process_time()
    found = np.stack(list(spectra(name, boxes, seed)))
    seconds = (time.process_time() - start) / boxes
    correlation = np.corrcoef(np.log(found).T)
    print(f"{name}: {boxes} boxes, {seconds:.2f} CPU-seconds each, power spectra included")
    print("  k [h/Mpc]   P(k) [(Mpc/h)^3]   scatter   correlation with the last shell")
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    for k, values, along in zip(middles, found.T, correlation[-1], strict=True):
        print(f"  {k:9.2f} {values.mean():18.2f} {values.std(ddof=1) / values.mean():9.3f} {along:10.2f}")
    return found


def main() -> None:
    """Parse the command line and run the analysis on one simulator or on both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", choices=[*SIMULATORS, "both"], default="surrogate")
    parser.add_argument("--boxes", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    names = list(SIMULATORS) if asked.simulator == "both" else [asked.simulator]
    found = {name: analyse(name, asked.boxes, asked.seed) for name in names}
    if len(found) == 2:
        own, true = found["surrogate"], found["reference"]
        ratio = own.mean(axis=0) / true.mean(axis=0)
        covariance = np.cov(own.T).diagonal() / np.cov(true.T).diagonal()
        print(f"surrogate over reference: P {ratio.min():.3f} to {ratio.max():.3f}, ", end="")
        print(f"variance {covariance.min():.3f} to {covariance.max():.3f}")


if __name__ == "__main__":
    main()
