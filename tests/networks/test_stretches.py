"""Stretches of tokens: they know order and not padding, and their shares add up whatever tokens are merged."""

import numpy as np
import torch

from surrogates.networks.stretches import FragmentEncoder, RunningTotals, fitted_shares, simple_tokens, stretches

PARTS = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [2, 3, 0], [2, 2, 3], [4, 0, 0]])
MERGED = torch.tensor([[1, 4, 5, 6, 0, 0], [1, 5, 2, 2, 4, 0], [1, 2, 0, 0, 0, 0]])


def test_an_encoder_knows_order_and_not_padding():
    torch.manual_seed(2)
    network = FragmentEncoder(8).eval()
    tokens = torch.tensor([[2, 3, 4, 0, 0, 0], [4, 3, 2, 0, 0, 0], [2, 3, 4, 5, 6, 7]])
    points = network(tokens)
    assert torch.allclose(points.norm(dim=1), torch.full((3,), 8.0**0.5))
    torch.testing.assert_close(points[0], network(tokens[:1, :3])[0])
    assert not torch.allclose(points[0], points[1], atol=1e-3)


def totals(merged=True):
    generator = torch.Generator().manual_seed(0)
    shares = torch.randn(51, 2, generator=generator)
    shares[-1] = 0
    counting, parts = RunningTotals(shares, 3), PARTS if merged else torch.arange(7)[:, None]
    return lambda tokens, state=None: counting(*simple_tokens(tokens, parts), state)


def test_a_stretch_ends_where_its_last_token_stands():
    found = stretches(torch.tensor([[5, 6, 7, 0], [6, 7, 0, 0]]), 3, 1000)
    assert found.shape == (2, 4, 3) and (found[:, 3] == 1000).all()
    assert (found[0, 0, 1:] == 1000).all() and found[0, 1, 2] == 1000
    assert found[0, 2, 1] == found[1, 1, 1] and found[0, 2, 0] == found[1, 1, 0]
    assert len(set(found[0][found[0] < 1000].tolist())) == 6


def test_totals_are_those_of_the_simple_tokens():
    found, _ = totals()(MERGED)
    for row, tokens in enumerate(MERGED):
        simple = [
            [part for token in tokens[: place + 1] for part in PARTS[token].tolist() if part] for place in range(6)
        ]
        for place, codes in enumerate(simple):
            alone, _ = totals(merged=False)(torch.tensor([codes]))
            torch.testing.assert_close(found[row, place], alone[0, -1])


def test_totals_go_on_from_any_place():
    counting = totals()
    whole, _ = counting(MERGED)
    for cuts in ([1] * 6, [3, 3], [2, 4], [5, 1]):
        state, parts = None, []
        for tokens in MERGED.split(cuts, dim=1):
            found, state = counting(tokens, state)
            parts.append(found)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def test_fitted_shares_add_up_to_the_values_that_are_known():
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(2, 6, (400, 9), generator=generator)
    tokens = torch.where(torch.arange(9) < torch.randint(2, 10, (400, 1), generator=generator), tokens, 0)
    pairs = ((tokens[:, :-1] == 3) & (tokens[:, 1:] == 4)).sum(1)
    values = torch.stack(((tokens == 2).sum(1) + 2.0 * pairs, (tokens != 0).sum(1)), dim=1).double()
    values[::2, 1] = np.nan
    shares = fitted_shares(tokens, values, longest=2, slots=500, least=1e-4)
    found, _ = RunningTotals(shares, 2)(*simple_tokens(tokens, torch.arange(6)[:, None]))
    assert shares.shape == (501, 2) and (shares[-1] == 0).all()
    wanted = torch.stack(((tokens == 2).sum(1) + 2.0 * pairs, (tokens != 0).sum(1)), dim=1).float()
    assert (found[:, -1] - wanted).abs().max() < 0.05
