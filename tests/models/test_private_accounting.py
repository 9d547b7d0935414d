"""The noise that an epsilon takes, by Opacus' accountants, and what is impossible."""

import pytest

from surrogates.contract.errors import SchemaError
from surrogates.models.private import epsilon_of, noise_for, renyi_epsilon

pytest.importorskip("opacus")

PATIENTS, BATCH = 4_500, 256
UPDATES = 50 * PATIENTS // BATCH


@pytest.mark.parametrize(("epsilon", "sigma"), [(1.0, 6.5), (3.0, 2.5), (10.0, 1.1)])
def test_the_noise_of_fifty_epochs_is_the_known_one(epsilon, sigma):
    found = noise_for(BATCH / PATIENTS, UPDATES, PATIENTS, epsilon=epsilon, delta=1e-5)
    assert found == pytest.approx(sigma, rel=0.03)
    spent = epsilon_of(found, BATCH / PATIENTS, UPDATES, 1e-5)
    assert 0.98 * epsilon <= spent <= epsilon
    assert renyi_epsilon(found, BATCH / PATIENTS, UPDATES, 1e-5) >= spent


def test_a_cohort_too_small_for_the_epsilon_says_what_is_possible():
    with pytest.raises(SchemaError, match=r"60 samples.* expected [0-9.]+ or more"):
        noise_for(0.5, 500, 60, epsilon=0.5, delta=1e-5)


@pytest.mark.parametrize(("epsilon", "delta", "named"), [(0.0, 1e-5, "epsilon"), (1.0, 0.1, "delta")])
def test_an_epsilon_or_delta_that_means_nothing_is_named(epsilon, delta, named):
    with pytest.raises(SchemaError, match=named):
        noise_for(0.1, 100, 100, epsilon=epsilon, delta=delta)
