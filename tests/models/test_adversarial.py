"""Adversarial losses push where they should, penalties equal hand computation, and games find their distribution."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from surrogates.contract.recipe import Batch
from surrogates.models.adversarial import (
    LOSSES,
    Game,
    Penalty,
    adversarial_steps,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    spectrally_normalised,
    squared_gradient,
)
from surrogates.networks.mlp import MLP
from surrogates.noise import Noise


class Pair(nn.Module):
    """Generator of a shifted normal and a discriminator, with a class head of two classes if asked."""

    ships = ("generator",)

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.generator = MLP(1, 1, 16, 2, context=1, residual=True)
        self.discriminator = MLP(1, 1 + classes, 24, 2, context=1, activation="leaky_relu")


def real(model: Pair, batch: Batch) -> Tensor:
    return batch.encoded["x"]


def generate(model: Pair, batch: Batch, draw: str) -> Tensor:
    return model.generator(batch.noise.normal((1,), draw).float(), batch.conditions["c"])


def judge(model: Pair, batch: Batch, samples: Tensor) -> Tensor:
    return model.discriminator(samples, batch.conditions["c"])


def sign_of_condition(model: Pair, batch: Batch) -> Tensor:
    return (batch.conditions["c"][:, 0] > 0).long()


def shifted_batch(step: int, n: int = 128) -> Batch:
    noise = Noise(step, torch.arange(n))
    condition = (2 * noise.uniform((1,), "condition") - 1).float()
    x = 2.0 * condition + 0.3 * noise.normal((1,), "truth").float()
    return Batch({"x": x}, {"c": condition}, noise, step)


@pytest.mark.parametrize("loss", LOSSES)
def test_discriminator_raises_real_and_lowers_generated_scores_and_the_generator_raises_its_own(loss: str) -> None:
    real_scores, fake_scores = torch.zeros(5, requires_grad=True), torch.zeros(5, requires_grad=True)
    value = discriminator_loss(real_scores, fake_scores, loss)
    assert value.shape == (5,)
    value.sum().backward()
    assert torch.all(real_scores.grad < 0) and torch.all(fake_scores.grad > 0)  # type: ignore[operator]
    own = torch.zeros(5, requires_grad=True)
    generator_loss(own, loss, torch.zeros(5)).sum().backward()
    assert torch.all(own.grad < 0)  # type: ignore[operator]


def test_losses_at_zero_scores_are_those_of_the_papers() -> None:
    zero = torch.zeros(1)
    expected = {"logistic": 2 * math.log(2), "hinge": 2.0, "wasserstein": 0.0, "relativistic": math.log(2)}
    for loss, value in expected.items():
        assert float(discriminator_loss(zero, zero, loss)) == pytest.approx(value)


def test_smoothed_labels_put_the_best_real_score_at_their_logit() -> None:
    scores = torch.full((1,), math.log(0.9 / 0.1), requires_grad=True)
    discriminator_loss(scores, torch.zeros(1), "logistic", smoothing=0.1).sum().backward()
    assert float(scores.grad) == pytest.approx(0.0, abs=1e-6)  # type: ignore[arg-type]


def test_gradient_penalties_equal_those_of_a_linear_and_a_quadratic_score() -> None:
    weight = torch.tensor([3.0, 4.0])
    x = torch.randn(6, 2, requires_grad=True)
    assert torch.allclose(squared_gradient(x @ weight, x), torch.full((6,), 25.0))
    # D = |x|^2 has |grad D|^2 = 4 |x|^2, whose own gradient is 8 x
    penalty = squared_gradient(x.square().sum(1), x)
    assert torch.allclose(penalty, 4 * x.square().sum(1))
    (second,) = torch.autograd.grad(penalty.sum(), x)
    assert torch.allclose(second, 8 * x)
    slope = gradient_penalty(lambda p: p @ weight, torch.randn(6, 2), torch.randn(6, 2), torch.rand(6))
    assert torch.allclose(slope, torch.full((6,), 16.0), atol=1e-4)


def test_game_adds_r1_and_r2_by_their_definition() -> None:
    model = Pair()

    def loss(game: Game) -> Tensor:
        name, value = next(adversarial_steps(real, generate, judge, game)(model, shifted_batch(3)))  # type: ignore[arg-type]
        assert name == "discriminator" and value.shape == (128,)
        return value.detach()

    plain = loss(Game("relativistic"))
    batch = shifted_batch(3)
    x = batch.encoded["x"].requires_grad_()
    on_real = squared_gradient(judge(model, batch, x)[:, 0], x).detach()
    made = generate(model, batch, "discriminator 0").detach().requires_grad_()
    on_made = squared_gradient(judge(model, batch, made)[:, 0], made).detach()
    assert torch.allclose(loss(Game(r1=2.0)), plain + on_real, atol=1e-5)
    assert torch.allclose(loss(Game(r1=2.0, r2=6.0)), plain + on_real + 3 * on_made, atol=1e-5)
    assert torch.equal(loss(Game(r1=2.0, penalty_every=2)), plain)  # step 3 is left out


def test_spectral_norm_is_one() -> None:
    torch.manual_seed(0)
    network = spectrally_normalised(MLP(5, 3, 16, 2))
    for _ in range(60):
        network(torch.randn(8, 5))
    network.eval()
    for linear in (network.entry, network.middle[0], network.exit):  # type: ignore[index]
        assert float(torch.linalg.matrix_norm(linear.weight, 2)) == pytest.approx(1.0, abs=0.02)  # type: ignore[union-attr]


def train(model: Pair, steps, updates: int, learning_rate: float = 5e-3) -> None:
    optimisers = {
        name: torch.optim.Adam(getattr(model, name).parameters(), learning_rate, betas=(0.0, 0.95), fused=True)
        for name in ("generator", "discriminator")
    }
    for step in range(updates):
        for name, loss in steps(model, shifted_batch(step)):
            optimisers[name].zero_grad()
            loss.mean().backward(inputs=list(getattr(model, name).parameters()))
            optimisers[name].step()


@pytest.mark.parametrize(
    "game",
    [
        Game("relativistic", r1=0.2, r2=0.2),
        Game("wasserstein", gradient_penalty=0.3, discriminator_updates=2),
        Game("logistic", r1=0.2, smoothing=0.1),
        Game("hinge", r1=0.2, penalty_every=2),
    ],
    ids=lambda game: game.loss,
)
def test_generator_follows_the_condition(game: Game) -> None:
    model = Pair()

    def misfit() -> float:
        batch = shifted_batch(10**6, 1000)
        with torch.no_grad():
            return float((generate(model, batch, "test") - 2 * batch.conditions["c"]).abs().mean())

    before = misfit()
    train(model, adversarial_steps(real, generate, judge, game), 150)
    assert misfit() < 0.6 < 0.8 < before


def test_class_head_learns_the_classes_and_its_absence_is_named() -> None:
    model = Pair(classes=2)
    game = Game("logistic", auxiliary=1.0)
    train(model, adversarial_steps(real, generate, judge, game, labels=sign_of_condition), 60)
    batch = shifted_batch(10**6)
    guess = judge(model, batch, real(model, batch))[:, 1:].argmax(1)
    assert float((guess == sign_of_condition(model, batch)).float().mean()) > 0.9
    with pytest.raises(ValueError, match="labels"):
        adversarial_steps(real, generate, judge, game)
    with pytest.raises(ValueError, match="no class head"):
        next(adversarial_steps(real, generate, judge, game, labels=sign_of_condition)(Pair(), batch))  # type: ignore[arg-type]


def test_physics_penalty_enters_the_generators_loss_alone() -> None:
    model = Pair()
    law = Penalty(10.0, lambda model, batch, made: made.square().sum(1))
    plain = dict(adversarial_steps(real, generate, judge, Game("hinge"))(model, shifted_batch(1)))  # type: ignore[arg-type]
    bound = dict(adversarial_steps(real, generate, judge, Game("hinge"), penalties=[law])(model, shifted_batch(1)))  # type: ignore[arg-type]
    made = generate(model, shifted_batch(1), "generator")
    assert torch.equal(bound["discriminator"], plain["discriminator"])
    assert torch.allclose(bound["generator"], plain["generator"] + 10 * made.square().sum(1))


def test_bad_games_are_named() -> None:
    with pytest.raises(ValueError, match="loss: 'lsgan'"):
        Game("lsgan")
    with pytest.raises(ValueError, match="smoothing: 0.1 with loss 'hinge'"):
        Game("hinge", smoothing=0.1)
    with pytest.raises(ValueError, match="real: None"):
        generator_loss(torch.zeros(2), "relativistic")
