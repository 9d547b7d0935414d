"""Steps get the correlation that is asked, and keep their variance; unmatched they stay as they are."""

from itertools import pairwise

import pytest
import torch

from surrogates.models.lag_matching import LagMatching, LagTally


def steps(correlation: torch.Tensor, n: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """First-order autoregressions (length, n, k) of standard deviation 2 about 1."""
    made = [torch.randn(n, len(correlation), generator=generator, dtype=torch.float64)]
    for _ in range(length - 1):
        fresh = torch.randn(n, len(correlation), generator=generator, dtype=torch.float64)
        made.append(correlation * made[-1] + torch.sqrt(1 - correlation**2) * fresh)
    return 1.0 + 2.0 * torch.stack(made)


def correlations(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    tally = LagTally(first.shape[1:])
    tally.add(first, second)
    covariance, variance = tally.moments()
    return covariance / variance


def test_unmatched_steps_stay() -> None:
    before, drawn = torch.randn(2, 5, 3)
    assert torch.equal(LagMatching((3,))(before, before, drawn), drawn)


@pytest.mark.parametrize("seed", [0, 1])
def test_steps_get_the_correlation_and_keep_the_variance(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    drawn, wanted = torch.tensor([0.6, 0.8, 0.3, 0.9]).double(), torch.tensor([0.85, 0.5, 0.3, 0.95]).double()
    sequence = steps(drawn, 40_000, 24, generator) - 1.0
    truth = steps(wanted, 40_000, 2, generator) - 1.0
    matching = LagMatching((4,)).double()
    matching.match(correlations(sequence[0], sequence[1]), correlations(truth[0], truth[1]))
    made = [sequence[0]]
    for drawn_before, drawn_step in pairwise(sequence):
        made.append(matching(made[-1], drawn_before, drawn_step))
    for first, second in (made[:2], made[-2:]):
        torch.testing.assert_close(correlations(first, second), wanted, rtol=0.0, atol=0.02)
        torch.testing.assert_close(second.std(0), torch.full((4,), 2.0).double(), rtol=0.03, atol=0.0)
    assert abs(matching.kept[2]) < 0.02 and abs(matching.fresh[2] - 1.0) < 0.02


def test_perfect_correlations_leave_finite_numbers() -> None:
    matching = LagMatching((2,))
    matching.match(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert torch.isfinite(matching(*torch.ones(3, 1, 2))).all()
