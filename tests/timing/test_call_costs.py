"""What a call costs, and from how many samples a call the surrogate is the cheaper."""

import time

import numpy as np

from surrogates.timing.calls import CallCosts, call_costs, worthwhile_from


def test_the_cheaper_side_changes_once_where_the_costs_cross():
    surrogate = CallCosts("surrogate", 0.1, {1: 0.010, 1000: 0.030})
    reference = CallCosts("reference", 0.1, {1: 0.001, 10: 0.010, 100: 0.100})
    found = worthwhile_from(surrogate, reference)
    assert found is not None
    assert surrogate.cost(found) < reference.cost(found)
    assert surrogate.cost(found - 1) >= reference.cost(found - 1)
    assert worthwhile_from(reference, surrogate) is None


def test_a_single_timed_call_stands_for_larger_ones():
    assert (
        worthwhile_from(CallCosts("surrogate", 0.1, {1: 0.02, 1000: 0.2}), CallCosts("reference", 1.0, {1: 0.8})) == 1
    )


class Busy:
    """Spends a fixed CPU time a call and a sample."""

    def __init__(self, call, sample):
        self.call, self.each = call, sample

    def sample(self, n, *, seed):
        end = time.process_time() + self.call + self.each * n
        while time.process_time() < end:
            pass


def test_a_side_whose_every_call_is_long_is_timed_once_more():
    sides = {"surrogate": Busy(0.001, 0.0), "reference": Busy(0.05, 0.0)}
    _, reference = call_costs(sides, lambda n, first: n, sizes=(1, 10), calls=3, patience=0.01)
    assert list(reference.warm) == [1] and reference.cost(100) >= 0.05


def test_calls_are_timed_as_they_cost_and_long_ones_are_left_out():
    sides = {"surrogate": Busy(0.004, 0.0), "reference": Busy(0.0, 0.002)}
    surrogate, reference = call_costs(sides, lambda n, first: n, sizes=(1, 10, 1000), calls=3, patience=0.1)
    assert np.isclose(surrogate.warm[1], 0.004, rtol=0.2)
    assert np.isclose(reference.warm[10], 0.020, rtol=0.2)
    assert list(reference.warm) == [1, 10]
    assert worthwhile_from(surrogate, reference) in (2, 3)
