"""Sequences: the likelihood stops at the end, and sampling follows the network, its options and the prefix."""

import math

import pytest
import torch

from surrogates.models.autoregressive import Sampler, draw, negative_log_likelihood, next_token, shifted
from surrogates.networks.attention import TokenTransformer
from surrogates.networks.recurrent import TokenLSTM

START = 1


class Chain:
    """After any token: END with 0.2, token 2 with 0.5, token 3 with 0.3; the context adds to token 3's logit."""

    def step(self, tokens, context, state):
        logits = torch.log(torch.tensor([0.2, 1e-9, 0.5, 0.3])).repeat(*tokens.shape, 1)
        logits[..., 3] += context[:, :1]
        return logits, state

    def select(self, state, rows):
        return state


def sequences(count=20_000, length=60, options=None, **more):
    uniform = torch.rand(count, length, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    context = more.pop("context", torch.zeros(count, 1))
    return draw(Chain(), context, uniform, START, options or Sampler(), **more)


def test_likelihood_counts_the_first_end_and_nothing_after():
    logits = torch.log(torch.tensor([0.2, 1e-9, 0.5, 0.3])).repeat(2, 4, 1)
    tokens = torch.tensor([[2, 3, 0, 0], [0, 0, 0, 0]])
    wanted = [-math.log(0.5 * 0.3 * 0.2), -math.log(0.2)]
    assert negative_log_likelihood(logits, tokens).tolist() == pytest.approx(wanted, rel=1e-5)


def test_a_network_sees_the_start_then_all_but_the_last():
    assert shifted(torch.tensor([[5, 6, 0]]), START).tolist() == [[START, 5, 6]]


def test_lengths_and_tokens_follow_the_chain():
    drawn = sequences()
    lengths = (drawn != 0).sum(1).double()
    assert lengths.mean().item() == pytest.approx(4.0, abs=0.1)
    assert (drawn[drawn != 0] == 2).double().mean().item() == pytest.approx(0.625, abs=0.01)
    ended = torch.cumsum(drawn == 0, dim=1) > 0
    assert (drawn[ended] == 0).all()


def test_temperature_and_nucleus_narrow_the_draws():
    uniform = torch.linspace(0.0005, 0.9995, 2000)
    logits = torch.log(torch.tensor([0.1, 0.2, 0.3, 0.4])).repeat(2000, 1)
    cold, rest = next_token(logits, uniform, Sampler(temperature=0.5))
    assert (cold == 3).double().mean().item() == pytest.approx(0.16 / 0.30, abs=0.01)
    assert rest[cold == 3].mean().item() == pytest.approx(0.5, abs=0.01)
    narrow, _ = next_token(logits, uniform, Sampler(top_p=0.6))
    assert set(narrow.tolist()) == {2, 3}
    assert (narrow == 3).double().mean().item() == pytest.approx(4 / 7, abs=0.01)


def test_guidance_presses_towards_the_context():
    asked, free = torch.ones(20_000, 1), torch.zeros(20_000, 1)
    shares = []
    for weight in (0.0, 1.0, 2.0):
        drawn = sequences(context=asked, options=Sampler(guidance=weight), without=free)
        shares.append((drawn[:, 0] == 3).double().mean().item())
    wanted = [0.3 * math.exp(w) / (0.7 + 0.3 * math.exp(w)) for w in (0.0, 1.0, 2.0)]
    assert shares == pytest.approx(wanted, abs=0.015)


def test_sequences_go_on_from_a_prefix():
    drawn = sequences(500, prefix=torch.tensor([3, 3, 2]))
    assert (drawn[:, :3] == torch.tensor([3, 3, 2])).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [({"temperature": 0.0}, "temperature"), ({"top_p": 1.5}, "top_p"), ({"guidance": -1.0}, "guidance")],
)
def test_impossible_options_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        Sampler(**options)


def test_guidance_without_an_unconditional_context_is_refused():
    with pytest.raises(ValueError, match="guidance"):
        sequences(5, options=Sampler(guidance=2.0))


@pytest.mark.parametrize("gradients", [False, True])
def test_steps_of_the_recurrent_network_equal_one_pass(gradients):
    torch.manual_seed(0)
    network = TokenLSTM(7, 3, width=16, layers=2, embedding=4).eval()
    tokens, context = torch.randint(7, (5, 6)), torch.randn(5, 3)
    whole, state, parts = network(tokens, context), None, []
    with torch.set_grad_enabled(gradients):
        for place in range(6):
            logits, state = network.step(tokens[:, place : place + 1], context, state)
            parts.append(logits)
    assert torch.allclose(whole, torch.cat(parts, dim=1), atol=1e-6)


def test_steps_go_on_from_a_stretch_of_tokens():
    torch.manual_seed(0)
    network = TokenLSTM(7, 3, width=16, layers=2, embedding=4).eval()
    tokens, context = torch.randint(7, (5, 6)), torch.randn(5, 3)
    with torch.no_grad():
        whole = network(tokens, context)
        _, state = network.step(tokens[:, :4], context, None)
        fifth, state = network.step(tokens[:, 4:5], context, state)
        sixth, _ = network.step(tokens[:, 5:], context, state)
    assert torch.allclose(whole[:, 4:], torch.cat((fifth, sixth), dim=1), atol=1e-6)


def test_reduced_precision_steps_are_near_the_whole_pass():
    torch.manual_seed(0)
    network = TokenLSTM(7, 3, width=64, layers=2, embedding=8).eval()
    tokens, context = torch.randint(7, (5, 12)), torch.randn(5, 3)
    with torch.no_grad():
        whole, state, parts = network(tokens, context), None, []
        with torch.autocast("cpu", torch.bfloat16):
            for place in range(12):
                logits, state = network.step(tokens[:, place : place + 1], context, state)
                parts.append(logits.float())
    assert state.weights[0][0].dtype == torch.bfloat16
    assert torch.allclose(whole, torch.cat(parts, dim=1), atol=0.02)


def test_no_token_of_probability_zero_is_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]]).repeat(4, 1)
    uniform = torch.tensor([1e-12, 0.2, 0.5, 1.0 - 1e-12], dtype=torch.float64)
    for options in (Sampler(), Sampler(top_p=0.9999)):
        assert set(next_token(logits, uniform, options)[0].tolist()) == {1, 3}


class NeverTwice:
    """No token twice in a row, and no end before three."""

    def __init__(self, count):
        self.last, self.count = torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.int64)

    def refused(self, tokens, rows):
        return (tokens == self.last[rows]) & (tokens != 0) | (tokens == 0) & (self.count[rows] < 3) | (tokens == 1)

    def took(self, tokens):
        self.last, self.count = tokens, self.count + 1

    def select(self, rows):
        self.last, self.count = self.last[rows], self.count[rows]


@pytest.mark.parametrize("options", [Sampler(), Sampler(top_p=0.6)])
def test_refused_tokens_are_drawn_again_from_the_others_alone(options):
    drawn = sequences(grammar=NeverTwice(20_000), options=options)
    assert (drawn[:, 0] == 2).double().mean().item() == pytest.approx(0.5 / 0.8, abs=0.01)
    three = drawn[:, :3]
    assert (three > 1).all() and (three[:, 1:] != three[:, :-1]).all()
    after = drawn[drawn[:, 2] == 3][:, 3]
    assert set(after.tolist()) == ({0, 2} if options.top_p == 1.0 else {2})
    if options.top_p == 1.0:
        assert (after == 0).double().mean().item() == pytest.approx(0.2 / 0.7, abs=0.015)


class Alone:
    """Goes on with a network whose sequences are never selected."""

    def __init__(self, network):
        self.network, self.count = network, 0

    def step(self, tokens, context, state):
        whole, rows, inner = state if state is not None else (context, torch.arange(len(context)), None)
        filled = torch.zeros((len(whole), 1), dtype=torch.int64)
        filled[rows] = tokens
        logits, inner = self.network.step(filled, whole, inner)
        return logits[rows], (whole, rows, inner)

    def select(self, state, rows):
        self.count += 1
        return state[0], state[1][rows], state[2]


@pytest.mark.parametrize("guidance", [1.0, 1.5])
@pytest.mark.parametrize("kind", ["recurrent", "transformer"])
def test_sequences_that_go_on_alone_are_those_that_go_on_together(kind, guidance):
    torch.manual_seed(0)
    if kind == "recurrent":
        network = TokenLSTM(7, 3, width=16, layers=2, embedding=4).eval()
    else:
        network = TokenTransformer(7, 3, 40, width=16, layers=2, heads=2).eval()
    network.exit.bias.data[0] += 0.5
    uniform, context = torch.rand(1024, 40, dtype=torch.float64), torch.randn(1024, 3)
    together, options = Alone(network), Sampler(guidance=guidance)
    drawn = [draw(n, context, uniform, START, options, without=torch.zeros(1024, 3)) for n in (network, together)]
    assert together.count >= 3
    assert torch.equal(*drawn)
