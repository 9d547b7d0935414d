"""Statements about quantile mapping: drawn values take the given distribution and keep their order."""

import pytest
import torch

from surrogates.models.quantile_mapping import KNOTS, QuantileMapping, Tally


@pytest.fixture(scope="module")
def matched() -> tuple[QuantileMapping, torch.Tensor, torch.Tensor]:
    """Two seasons of three cells: drawn normal, given a half-dry, skewed amount."""
    generator = torch.Generator().manual_seed(0)
    season = torch.arange(4000) % 2
    drawn = torch.randn(4000, 3, generator=generator) + season[:, None]
    amount = torch.randn(4000, 3, generator=generator).exp() * (1.0 + season[:, None])
    dry = torch.rand(4000, 3, generator=generator) < 0.4
    given = torch.where(dry, -torch.rand(4000, 3, generator=generator), amount)
    tallies = [Tally(2, 3, low, high, bins=400) for low, high in ((-6.0, 8.0), (-4.0, 30.0))]
    for tally, values in zip(tallies, (drawn, given), strict=True):
        tally.add(values[:1500], season[:1500])
        tally.add(values[1500:], season[1500:])
    mapping = QuantileMapping(2, 3)
    mapping.match(*(tally.quantiles() for tally in tallies))
    weights = torch.nn.functional.one_hot(season, 2).float()
    return mapping, mapping(drawn, weights), given


def test_what_was_not_matched_stays():
    values = torch.randn(50, 7)
    weights = torch.full((50, 4), 0.25)
    torch.testing.assert_close(QuantileMapping(4, 7)(values, weights), values, atol=1e-3, rtol=0.0)


def test_mapped_values_have_the_given_distribution(matched):
    _, mapped, given = matched
    for probability in (0.1, 0.5, 0.7, 0.9, 0.95):
        for season in range(2):
            found, expected = (side[season::2].quantile(probability, dim=0) for side in (mapped, given))
            torch.testing.assert_close(found, expected, atol=0.15, rtol=0.12)


def test_as_much_is_dry_as_was_given(matched):
    _, mapped, given = matched
    assert float((mapped <= 0).float().mean()) == pytest.approx(float((given <= 0).float().mean()), abs=0.02)


def test_mapping_keeps_the_order_of_values_and_moves_extremes_along(matched):
    mapping = matched[0]
    values = torch.linspace(-8.0, 12.0, 200)[:, None].repeat(1, 3)
    mapped = mapping(values, torch.tensor([[1.0, 0.0]]).repeat(200, 1))
    steps = mapped.diff(dim=0)
    assert float(steps.min()) >= -1e-6
    torch.testing.assert_close(steps[-1], values.diff(dim=0)[-1])


def test_between_seasons_the_maps_are_weighed(matched):
    mapping, values = matched[0], torch.full((1, 3), 0.5)
    first, second = (mapping(values, torch.tensor([weights])) for weights in ((1.0, 0.0), (0.0, 1.0)))
    torch.testing.assert_close(mapping(values, torch.tensor([[0.25, 0.75]])), 0.25 * first + 0.75 * second)


def test_a_tallys_quantiles_are_those_of_its_values():
    values = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1))
    tally = Tally(1, 2, -5.0, 5.0)
    tally.add(values, torch.zeros(20_000, dtype=torch.int64))
    expected = torch.stack([values.quantile(probability, dim=0) for probability in KNOTS])
    torch.testing.assert_close(tally.quantiles()[0], expected, atol=0.05, rtol=0.0)
