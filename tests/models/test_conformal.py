"""Split conformal intervals hold the share that they promise, whatever the model says of its own scale."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.models.conformal import ConformalFactors, Scores


def test_the_factor_is_the_smallest_that_covers_enough_cases():
    factors = ConformalFactors(1, 0.9)
    factors.calibrate(torch.arange(1.0, 20.0)[torch.randperm(19)][:, None])
    assert factors.factors.tolist() == [18.0]  # ceil(20 * 0.9) = 18 of the scores 1 .. 19
    assert factors(torch.tensor([[2.0]])).tolist() == [[36.0]]


def test_too_few_cases_promise_nothing():
    factors = ConformalFactors(2, 0.9)
    assert math.isinf(factors(torch.ones(1, 2))[0, 0])
    scores = torch.full((20, 2), float("nan"))
    scores[:8, 0] = 1.0
    scores[:, 1] = 1.0
    factors.calibrate(scores)
    assert math.isinf(factors.factors[0]) and factors.factors[1] == 1.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from([0.2, 1.0, 7.0]))
def test_new_cases_are_covered_as_promised(seed, coverage, misjudged):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.rand(6000, 1, generator=generator) + 0.1
    residual = scale * torch.randn(6000, 1, generator=generator)
    said = misjudged * scale
    factors = ConformalFactors(1, coverage)
    factors.calibrate(residual[:3000].abs() / said[:3000])
    held = float((residual[3000:].abs() <= factors(said[3000:])).double().mean())
    assert abs(held - coverage) < 5.0 * math.sqrt(coverage * (1 - coverage) * 2 / 3000)


def test_scores_of_batches_are_kept_and_go_round():
    scores = Scores(6, 1)
    scores.keep(0, torch.tensor([[1.0], [2.0], [float("nan")]]))
    assert scores.kept[:, 0].tolist() == [1.0, 2.0, -1.0, -1.0, -1.0, -1.0]
    scores.keep(1, torch.tensor([[4.0], [5.0], [6.0]]))
    assert scores.keep(2, torch.full((3, 1), 7.0))[:, 0].tolist() == [7.0, 7.0, 7.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("coverage", [0.0, 1.0])
def test_coverage_is_a_share(coverage):
    with pytest.raises(ValueError, match="^coverage: "):
        ConformalFactors(1, coverage)
