"""Share a cohort that no patient is in: draw stays, write them as others read them, and see what they are good for.

    python examples/share_a_cohort.py
    python examples/share_a_cohort.py --stays 20000 --model physionet --out cohort

Writes NetCDF and a pair of CSV files (one row a patient; one row a measurement), fits a severity score on the drawn
stays, and tests it on stays of the embedded simulator, beside the same score fitted on simulated ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import surrogates
from surrogates.measuring.classifiers import area_under_curve
from surrogates.plugins.health_records.prediction import fitted
from surrogates.plugins.health_records.tables import summaries
from surrogates.plugins.health_records.tidy import write_pair


def died(stays) -> np.ndarray:
    """Who died, (n,) 0 or 1."""
    return (stays["outcome"].values == 1).astype(int)


def main() -> None:
    """Draw, write, fit and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stays", type=int, default=4000)
    parser.add_argument("--model", default=None, help="recipe whose weights are used")
    parser.add_argument("--out", type=Path, default=Path("cohort"))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    simulator = surrogates.load("health-records", model=asked.model)
    drawn = simulator.sample(asked.stays, seed=asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    drawn.to_netcdf(asked.out / "stays.nc", engine="h5netcdf")
    for path in write_pair(drawn, asked.out):
        print(path)
    reference = surrogates.reference("health-records")
    known, unseen = (reference.sample(asked.stays, seed=asked.seed + k) for k in (1, 2))
    scores = {
        "drawn": fitted(summaries(drawn), died(drawn)),
        "simulated": fitted(summaries(known), died(known)),
    }
    for name, score in scores.items():
        auroc = area_under_curve(score.decision_function(summaries(unseen)), died(unseen))
        print(f"mortality score fitted on {name} stays: AUROC {auroc:.3f} on simulated stays that neither saw")


if __name__ == "__main__":
    main()
