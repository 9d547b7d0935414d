"""A figure is met, not met, or undecided where the truth itself at this n lies beyond the limit."""

import math

import pytest

from surrogates.contract.findings import Finding, Target


@pytest.mark.parametrize(
    ("value", "floor", "error", "verdict"),
    [
        (0.008, 0.005, 0.001, "met"),
        (0.02, 0.005, 0.001, "not met (0.02 > 0.01)"),
        (0.008, 0.02, 0.009, "undecided at this n"),
        (0.013, 0.02, 0.009, "undecided at this n"),
        (0.008, 0.02, None, "undecided at this n"),
        (0.5, 0.02, 0.009, "not met (0.5 > 0.01)"),
        (0.5, 0.02, None, "not met (0.5 > 0.01)"),
        (1e-5, 0.02, 1e-6, "met"),  # row by row against the truth: no chance in it
        (math.nan, 0.02, None, "not met (no finite value)"),
    ],
)
def test_the_verdict_says_what_n_samples_can_tell(value, floor, error, verdict):
    found = Finding.against("figure", value, Target(1000, at_most=0.01), n=50, floor=floor, error=error)
    assert found.verdict == verdict
    assert found.undecided == (verdict == "undecided at this n")
    assert found.limit == 0.01


def test_a_figure_that_nothing_was_asked_of_is_not_undecided():
    found = Finding.against("figure", 0.3, Target(1000), n=50, floor=0.2)
    assert found.verdict == "not asked" and not found.undecided


def test_limits_in_floors_are_never_undecided():
    found = Finding.against("figure", 0.3, Target(1000, floors=2.0), n=50, floor=0.2)
    assert found.verdict == "met"
