"""Statements about mean matching: means of regions as drawn, brought to the law of those given."""

import torch

from surrogates.models.mean_matching import MeanMatching, MeanTally


def test_means_that_vary_too_much_get_the_datas_spread_and_regression():
    torch.manual_seed(0)
    known = torch.stack((torch.ones(4000), torch.randn(4000)), dim=1)
    given = known @ torch.tensor([[3.0, 2.0], [0.5, -1.0]]) + 0.2 * torch.randn(4000, 2)
    drawn = known @ torch.tensor([[2.5, 2.0], [1.5, 0.0]]) + torch.tensor([0.6, 0.1]) * torch.randn(4000, 2)
    matching, tallies = MeanMatching(2, 2), (MeanTally(2, 2), MeanTally(2, 2))
    torch.testing.assert_close(matching(drawn, known), drawn)  # nothing was counted yet
    for tally, means in zip(tallies, (drawn, given), strict=True):
        for rows in range(0, 4000, 500):
            tally.add(means[rows : rows + 500], known[rows : rows + 500])
    matching.match(*tallies)
    matched = matching(drawn, known)
    left = matched - known @ torch.linalg.lstsq(known, given).solution
    torch.testing.assert_close(left.std(0), torch.tensor([0.2, 0.2]), atol=0.01, rtol=0.0)
    torch.testing.assert_close(matched.mean(0), given.mean(0), atol=0.01, rtol=0.0)
    assert float(torch.corrcoef(torch.stack((left[:, 0], (drawn - known @ matching.drawn)[:, 0])))[0, 1]) > 0.999
