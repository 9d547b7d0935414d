"""Policy gradient of sequences: returns, advantages, and likelihood that follows a reward."""

import pytest
import torch
from torch import nn

from surrogates.models.autoregressive import shifted, token_likelihood, written
from surrogates.models.policy_gradient import (
    advantages,
    leave_one_out,
    policy_loss,
    prefix_loss,
    prefix_rewards,
    returns,
)


def test_returns_sum_what_is_still_to_come():
    rewards = torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, -1.0]])
    torch.testing.assert_close(returns(rewards, 0.5), torch.tensor([[3.0, 4.0, 4.0], [-0.25, -0.5, -1.0]]))
    torch.testing.assert_close(returns(rewards, 0.0), rewards)


def test_advantages_are_of_the_sequences_still_written_and_of_unit_spread():
    there = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.bool)
    gains = torch.randn(3, 3) * there + 5.0 * there
    found = advantages(gains, there)
    torch.testing.assert_close(found.sum(0), torch.zeros(3), atol=1e-5, rtol=0.0)
    assert (found[~there] == 0).all() and found[0, 2] == 0.0
    assert float(found.square().sum() / there.sum()) == pytest.approx(1.0, abs=1e-5)
    assert (advantages(torch.ones(3, 3), there) == 0).all()


def test_a_draw_is_compared_with_the_others_of_its_group():
    rewards = torch.tensor([1.0, 2.0, 6.0, 5.0, 5.0, 5.0])
    apart = torch.tensor([1.0 - 4.0, 2.0 - 3.5, 6.0 - 1.5, 0.0, 0.0, 0.0])
    torch.testing.assert_close(leave_one_out(rewards, 3), apart / apart.square().mean().sqrt())
    assert bool((leave_one_out(torch.full((4,), 2.0), 2) == 0.0).all())


def test_rewards_lie_between_minus_and_plus_one_and_end_with_the_sequence():
    there = torch.tensor([[True, True, False]])
    found = prefix_rewards(torch.tensor([[100.0, 0.0, 7.0]]), there)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0, 0.0]]))
    torch.testing.assert_close(
        prefix_rewards(torch.tensor([[0.7]]), there[:, :1]), 2 * torch.sigmoid(torch.tensor([[0.7]])) - 1
    )


def test_the_discriminators_loss_counts_written_prefixes_alone():
    there = torch.tensor([[True, True, False], [True, True, True]])
    scores = torch.tensor([[2.0, 2.0, -50.0], [2.0, 2.0, 2.0]])
    real, fake = prefix_loss(scores, there, real=True), prefix_loss(scores, there, real=False)
    assert real[0] == real[1] and fake[0] == fake[1] and fake[0] - real[0] == pytest.approx(2.0)


class Bigrams(nn.Module):
    """Logits of a token by the one before it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size, size)
        nn.init.zeros_(self.table.weight)

    def forward(self, tokens):
        return self.table(tokens)


def test_likelihood_of_rewarded_sequences_rises():
    generator, model = torch.Generator().manual_seed(1), Bigrams(5)
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    wanted = torch.tensor([[3, 4, 2, 0]])

    def likelihood():
        with torch.no_grad():
            return float(token_likelihood(model(shifted(wanted, 1)), wanted).sum())

    before = likelihood()
    for _ in range(60):
        tokens = torch.full((64, 1), 1)
        with torch.no_grad():
            for _ in range(4):
                probability = torch.softmax(model(tokens[:, -1]), dim=-1)
                tokens = torch.cat((tokens, torch.multinomial(probability, 1, generator=generator)), dim=1)
        tokens = tokens[:, 1:]
        there = written(tokens)
        rewards = (tokens == wanted).float() * there
        loss = policy_loss(
            token_likelihood(model(shifted(tokens, 1)), tokens), advantages(returns(rewards, 0.5), there)
        )
        assert loss.shape == (64,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
    assert likelihood() > before + 4.0
