"""The patient simulator: each stay is its own, the sick are measured more and die more, and treatments answer."""

import numpy as np
import pytest
import torch

from surrogates.noise import draws
from surrogates.physics.records import laws
from surrogates.physics.records.measurement import BINS, RESOLUTION, observed
from surrogates.physics.records.patients import CARDIAC_SURGERY, MEDICAL, course, died, stature

N = 1500


def cohort(samples: np.ndarray, age: float = 65.0, unit: int = MEDICAL, seed: int = 5):
    own = draws(seed, samples)
    ages, units = np.full(len(samples), age), np.full(len(samples), unit)
    found = course(ages, samples % 2 == 0, units, own)
    return found, observed(found, units, own), died(ages, units, found, own)


@pytest.fixture(scope="module")
def stays():
    return cohort(np.arange(N))


def test_a_stay_depends_on_its_identity_alone(stays):
    chosen = np.array([1400, 3, 77])
    _, records, dead = cohort(chosen)
    for name, values in records.items():
        np.testing.assert_array_equal(values, stays[1][name][chosen])
    np.testing.assert_array_equal(dead, stays[2][chosen])


def test_systolic_pressure_is_no_lower_than_mean_pressure(stays):
    records = {name: torch.from_numpy(values) for name, values in stays[1].items()}
    assert float(laws.pressure_order(records, {}).max()) == 0.0
    records["mean_arterial_pressure"] = records["mean_arterial_pressure"] + 80.0
    assert float(laws.pressure_order(records, {}).max()) > 10.0


def test_readings_stand_on_the_steps_of_their_instruments_where_one_was_taken(stays):
    urine = stays[1]["urine_output"]
    known = urine[np.isfinite(urine)]
    np.testing.assert_allclose(known / 5.0, np.rint(known / 5.0))
    assert set(stays[1]) == set(RESOLUTION) and all(v.shape == (N, BINS) for v in stays[1].values())


def test_laboratory_values_are_rare_and_the_sick_have_more_of_them(stays):
    there = np.isfinite(stays[1]["potassium"])
    assert 0.15 < there.mean() < 0.40
    burden = stays[0].severity.mean(axis=1)
    high, low = burden > np.quantile(burden, 0.75), burden < np.quantile(burden, 0.25)
    assert there[high].mean() > 1.1 * there[low].mean()


def test_gaps_are_not_at_random(stays):
    potassium = stays[0].values["potassium"].reshape(N, BINS, -1).mean(axis=2)
    there = np.isfinite(stays[1]["potassium"])
    abnormal = np.abs(potassium - 4.2)
    assert abnormal[there].mean() > 1.02 * abnormal[~there].mean()


def test_the_old_and_the_sick_die_more():
    young, old = (cohort(np.arange(N), age=age)[2].mean() for age in (35.0, 85.0))
    assert old > young + 0.05
    surgical = cohort(np.arange(N), unit=CARDIAC_SURGERY)[2].mean()
    assert surgical < cohort(np.arange(N))[2].mean()


def test_low_pressure_is_answered_with_a_vasopressor(stays):
    low = stays[0].values["mean_arterial_pressure"][:, :24].min(axis=1) < 60.0
    assert stays[0].pressor[low, 24].mean() > stays[0].pressor[~low, 24].mean() + 0.2


def test_stature_is_of_adults():
    own = draws(1, np.arange(N))
    height, weight = stature(np.arange(N) % 2 == 0, np.full(N, 60.0), own)
    assert height[::2].mean() > height[1::2].mean() + 10.0
    assert 22.0 < np.median(weight / (height / 100.0) ** 2) < 33.0
