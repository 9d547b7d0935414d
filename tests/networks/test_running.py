"""A running estimate: it goes on from any place, whatever tokens are merged, and learns sums and what is none."""

import numpy as np
import torch

from surrogates.networks.running import RunningEstimate, fitted_estimate, fitted_shares
from surrogates.networks.stretches import simple_tokens

PARTS = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [2, 3, 0], [2, 2, 3], [4, 0, 0]])
MERGED = torch.tensor([[1, 4, 5, 6, 0, 0], [1, 5, 2, 2, 4, 0], [1, 2, 0, 0, 0, 0]])


def estimate(merged=True):
    generator = torch.Generator().manual_seed(0)
    module, parts = RunningEstimate(2, longest=3, slots=50, width=4), PARTS if merged else torch.arange(7)[:, None]
    for part in module.buffers():
        part.normal_(generator=generator)
    module.table[-1] = 0
    return lambda tokens, state=None: module(*simple_tokens(tokens, parts), state)


def test_an_estimate_is_that_of_the_simple_tokens():
    found, _ = estimate()(MERGED)
    for row, tokens in enumerate(MERGED):
        simple = [
            [part for token in tokens[: place + 1] for part in PARTS[token].tolist() if part] for place in range(6)
        ]
        for place, codes in enumerate(simple):
            alone, _ = estimate(merged=False)(torch.tensor([codes]))
            torch.testing.assert_close(found[row, place], alone[0, -1])


def test_an_estimate_goes_on_from_any_place():
    running = estimate()
    whole, _ = running(MERGED)
    for cuts in ([1] * 6, [3, 3], [2, 4], [5, 1]):
        state, parts = None, []
        for tokens in MERGED.split(cuts, dim=1):
            found, state = running(tokens, state)
            parts.append(found)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def sequences(count):
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(2, 6, (count, 9), generator=generator)
    tokens = torch.where(torch.arange(9) < torch.randint(2, 10, (count, 1), generator=generator), tokens, 0)
    pairs = ((tokens[:, :-1] == 3) & (tokens[:, 1:] == 4)).sum(1)
    return tokens, torch.stack(((tokens == 2).sum(1) + 2.0 * pairs, (tokens == 5).any(1)), dim=1).double()


def test_fitted_shares_add_up_to_the_values_that_are_known():
    tokens, values = sequences(400)
    known = values.clone()
    known[::2, 0] = np.nan
    shares = fitted_shares(tokens, known, longest=2, slots=500, least=1e-4)
    module = RunningEstimate(2, longest=2, slots=500, width=0)
    module.table.copy_(shares)
    found, _ = module(*simple_tokens(tokens, torch.arange(6)[:, None]))
    assert shares.shape == (501, 2) and (shares[-1] == 0).all()
    assert (found[:, -1, 0] - values[:, 0]).abs().max() < 0.05


def test_a_fitted_estimate_learns_what_is_no_sum_too():
    tokens, values = sequences(4000)
    known = values.clone()
    known[::2] = np.nan
    module = RunningEstimate(2, longest=2, slots=500, width=8)
    state = fitted_estimate(tokens, known, longest=2, slots=500, width=8, passes=30)
    module.load_state_dict(state)
    assert state.keys() == fitted_estimate(tokens, known, longest=2, slots=500, width=8, passes=1).keys()
    again = fitted_estimate(tokens, known, longest=2, slots=500, width=8, passes=30)
    assert all(torch.equal(part, again[name]) for name, part in state.items())
    found, _ = module(*simple_tokens(tokens, torch.arange(6)[:, None]))
    shares = fitted_shares(tokens, known, longest=2, slots=500)
    linear = RunningEstimate(2, longest=2, slots=500, width=0)
    linear.table.copy_(shares)
    summed, _ = linear(*simple_tokens(tokens, torch.arange(6)[:, None]))
    error, plain = ((part[::2, -1] - values[::2]).abs().mean(0) for part in (found, summed))
    assert error[0] < 0.1 and error[1] < 0.7 * plain[1], (error, plain)
