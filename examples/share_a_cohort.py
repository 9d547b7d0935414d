"""Share a cohort that no patient is in: draw stays, write them as others read them, and see what they are good for.

    python examples/share_a_cohort.py
    python examples/share_a_cohort.py --stays 20000 --model physionet --out cohort
    surrogates train health-records --data TABLES --run runs/cohort
    python examples/share_a_cohort.py --run runs/cohort

Writes NetCDF, a pair of CSV tables, the tables of OMOP and Bundles of FHIR. Then it fits a severity score on the drawn
stays and tests it on stays of the embedded simulator, beside the same score fitted on simulated ones; of a run on
tables of your own it prints the figures on the patients that were held out, an attack on membership among them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import xarray as xr

import surrogates
from surrogates.measuring.classifiers import area_under_curve
from surrogates.plugins.health_records.prediction import fitted
from surrogates.plugins.health_records.tables import summaries


def died(stays) -> np.ndarray:
    """Who died, (n,) 0 or 1."""
    return (stays["outcome"].values == 1).astype(int)


def main() -> None:
    """Draw, write, fit and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stays", type=int, default=4000)
    parser.add_argument("--model", default=None, help="recipe whose weights are used")
    parser.add_argument("--run", type=Path, default=None, help="folder of a run on tables of your own")
    parser.add_argument("--out", type=Path, default=Path("cohort"))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    simulator = surrogates.load("health-records", model=asked.model, weights=asked.run)
    drawn = simulator.sample(asked.stays, seed=asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    drawn.to_netcdf(asked.out / "stays.nc", engine="h5netcdf")
    for kind in simulator.plugin.formats:
        kind.write([drawn], asked.out / f"stays{kind.suffixes[-1]}", overwrite=True)
        print(asked.out / f"stays{kind.suffixes[-1]}", f"({kind.description})")
    if asked.run is not None:
        members, others = (xr.open_dataset(asked.run / "data" / f"{side}.nc") for side in ("training", "held_out"))
        for name, value in simulator.plugin.measure(drawn, others, members).items():
            print(f"{name}: {value:.4g}")
        return
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
