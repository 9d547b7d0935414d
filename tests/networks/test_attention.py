"""A causal transformer: steps equal one pass, in any stretches and near it in reduced precision."""

import pytest
import torch

from surrogates.networks.attention import TokenTransformer


def network():
    torch.manual_seed(0)
    return TokenTransformer(7, 3, 12, width=32, layers=2, heads=4).eval()


def asked(count=5, length=10):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(7, (count, length), generator=generator)
    return tokens, torch.randn(count, length, 3, generator=generator)


def test_no_token_sees_a_later_one():
    tokens, context = asked()
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 7
    with torch.no_grad():
        first, second = network()(tokens, context), network()(changed, context)
    torch.testing.assert_close(first[:, :6], second[:, :6])
    assert not torch.allclose(first[:, 6:], second[:, 6:], atol=1e-3)


@pytest.mark.parametrize("cuts", [[1] * 10, [4, 6], [3, 1, 1, 5]])
def test_steps_equal_one_pass(cuts):
    tokens, context = asked()
    state, parts = None, []
    with torch.no_grad():
        whole = network()(tokens, context)
        for part, told in zip(tokens.split(cuts, dim=1), context.split(cuts, dim=1), strict=True):
            logits, state = network().step(part, told, state)
            parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-4)


def test_one_context_holds_for_every_token():
    tokens, context = asked()
    with torch.no_grad():
        torch.testing.assert_close(
            network()(tokens, context[:, 0]), network()(tokens, context[:, :1].expand(-1, 10, -1))
        )


def test_reduced_precision_steps_are_near_the_whole_pass():
    tokens, context = asked()
    state, parts = None, []
    with torch.no_grad():
        whole = network()(tokens, context)
        with torch.autocast("cpu", torch.bfloat16):
            for place in range(10):
                at = slice(place, place + 1)
                logits, state = network().step(tokens[:, at], context[:, at], state)
                parts.append(logits.float())
    assert state.keys[0].dtype == state.weights[0]["ask"].dtype == torch.bfloat16
    assert torch.allclose(whole, torch.cat(parts, dim=1), atol=0.05)


def test_more_tokens_than_there_are_places_are_refused():
    tokens, context = asked(length=13)
    with pytest.raises(ValueError, match="tokens: 13; expected at most 12"):
        network()(tokens, context)


def test_gradients_reach_every_parameter():
    tokens, context = asked(length=12)
    model = network()
    model(tokens, context).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
