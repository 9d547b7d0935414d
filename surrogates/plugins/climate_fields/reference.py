"""jcm behind the suite's call: days of its climate over any ocean, from rest through a spin-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

    from ...contract.schema import Schema

NO_LEAP_YEAR = 2001
"""Dates of runs that are asked for by the day of the year."""


class JcmReference:
    """Runs jcm forward under a fixed anomaly of the sea-surface temperature; every sample is a run of its own."""

    conditions: Schema = CONDITIONS
    outputs: Schema = OUTPUTS

    def __init__(self) -> None:
        import jcm  # noqa: F401  # type: ignore

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate each row; the spin-up of 75 days comes on top of its own days."""
        from ...noise import fold

        rows = []
        for row, sample in enumerate(conditions["sample"].values):
            one = {name: conditions[name].values[row] for name in CONDITIONS.names}
            rows.append(simulated(one, fold(seed, "member", int(sample)) & 0x7FFFFFFF))
        length = int(conditions["n_days"].values[0]) if rows else 1
        empty = np.empty((0, length, 48, 96))
        outputs = {name: np.stack([row[name] for row in rows]) if rows else empty for name in OUTPUTS.names}
        made = OUTPUTS.dataset(outputs, conditions["sample"].values)
        return made.assign({name: conditions[name] for name in CONDITIONS.names})


def simulated(one: dict, member: int) -> dict[str, np.ndarray]:
    """`tas`, `pr` and `ps` (day, 48, 96) of one set of completed conditions."""
    from . import simulation

    day = int(round(float(one["day_of_year"])))
    start = np.datetime64(f"{NO_LEAP_YEAR}-01-01", "D") + np.timedelta64(day - 1, "D")
    anomaly = np.nan_to_num(np.asarray(one["sst_anomaly"], dtype="float64"))
    run = simulation.daily_means(
        start,
        int(one["n_days"]),
        lambda dates: simulation.open_water(np.broadcast_to(anomaly, (len(dates), *anomaly.shape)), dates),
        member,
    )
    return on_the_law({name: run[name].values for name in OUTPUTS.names})


def on_the_law(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fields with the climate's mass of air: the reference's own drifts by 60 Pa in 150 days."""
    import torch

    from ...physics.climate.laws import with_mean_pressure

    pressure = with_mean_pressure(torch.as_tensor(fields["ps"].astype("float64"))).numpy()
    return {**fields, "pr": np.maximum(fields["pr"], 0.0), "ps": pressure}


def truth(n: int, seed: int) -> xr.Dataset:
    """Pairs of consecutive days of one run under observed anomalies, from a held-out winter on.

    One run of 75 + 2 n days, so that a small truth takes a minute: its rows are not independent.
    """
    from . import simulation
    from .training_data import HELD_OUT, consecutive

    first = HELD_OUT[seed % len(HELD_OUT)]
    start = np.datetime64(f"{first}-10-01", "D")
    run = simulation.daily_means(start, 2 * max(n, 1), simulation.observed_anomaly, seed & 0x7FFFFFFF)
    return as_truth(consecutive(run, 2)).isel(sample=slice(0, n))


def as_truth(rows: xr.Dataset) -> xr.Dataset:
    """Rows of days of a run as the plugin's own Dataset: conditions completed, the law kept."""
    from ...physics.climate.enso import nino34

    fields = on_the_law({name: rows[name].values for name in OUTPUTS.names})
    anomaly = np.clip(rows["sst_anomaly"].values.astype("float64"), -6.0, 6.0)
    values = {
        "day_of_year": rows["day_of_year"].values,
        "n_days": rows["n_days"].values,
        "sst_anomaly": anomaly,
        "nino34": nino34(anomaly),
    }
    asked = CONDITIONS.dataset(values, rows["sample"].values)
    return asked.merge(OUTPUTS.dataset(fields, rows["sample"].values))
