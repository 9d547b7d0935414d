"""The energy score: hand-computed values, and that the true distribution has the smallest one."""

import pytest
import torch

from surrogates.models.scoring import energy_score


def test_value_of_three_points_in_the_plane():
    first, second, truth = (torch.tensor([[x, y]]) for x, y in ((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)))
    assert float(energy_score(first, second, truth)) == pytest.approx(0.5 * (5.0 + 0.0 - 5.0), abs=1e-5)
    assert float(energy_score(first, first, truth)) == pytest.approx(5.0, abs=1e-5)


def test_dimensions_between_are_averaged():
    zero, one = torch.zeros(2, 4, 1), torch.ones(2, 4, 1)
    assert energy_score(one, one, zero).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_gradient_is_finite_where_samples_coincide():
    point = torch.zeros(3, 2, requires_grad=True)
    energy_score(point, point.clone(), torch.zeros(3, 2)).sum().backward()
    assert point.grad is not None and torch.isfinite(point.grad).all()


@pytest.mark.parametrize("spread, shift", [(0.5, 0.0), (2.0, 0.0), (1.0, 0.7)])
def test_wrong_width_or_place_scores_worse_than_the_truth(spread, shift):
    draw = torch.Generator().manual_seed(3)
    first, second, truth = (torch.randn(40_000, 1, generator=draw) for _ in range(3))
    right = energy_score(first, second, truth).mean()
    wrong = energy_score(first * spread + shift, second * spread + shift, truth).mean()
    assert wrong > right + 0.02
