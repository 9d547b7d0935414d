"""Flow matching carries noise to data; its distilled student does so in one step."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from surrogates.contract.recipe import Batch
from surrogates.models.flow import (
    Sampler,
    Target,
    VelocityField,
    copy_submodule,
    coupling_loss,
    distillation_steps,
    integrate,
    matching_loss,
    matching_steps,
    training_times,
)
from surrogates.networks.mlp import MLP
from surrogates.networks.sets import SetGenerator
from surrogates.noise import Noise


def ring(n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    radius = 1.0 + 0.05 * torch.randn(n, generator=generator)
    return torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), 1)


def batch(data: Tensor, step: int) -> Batch:
    return Batch({"x": data}, {}, Noise(step, torch.arange(len(data))), step)


class Ring(nn.Module):
    ships = ("student",)

    def __init__(self) -> None:
        super().__init__()
        self.teacher = VelocityField(MLP(2, 2, 64, 3, context=16, residual=True), 16)
        self.student = VelocityField(MLP(2, 2, 64, 3, context=16, residual=True), 16)


def train(model: nn.Module, name: str, steps, updates: int, learning_rate: float) -> None:
    optimiser = torch.optim.Adam(getattr(model, name).parameters(), learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
    for step in range(updates):
        for submodule, loss in steps(model, batch(ring(256, step), step)):
            assert submodule == name and loss.shape == (256,)
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
        schedule.step()


def test_flow_finds_a_ring_and_its_student_keeps_it_in_one_step() -> None:
    torch.manual_seed(0)
    model = Ring()

    def arrange(model: Ring, batch: Batch) -> Target:
        return Target(batch.encoded["x"])

    train(model, "teacher", matching_steps(arrange), 450, 5e-3)
    noise = torch.randn(2000, 2)

    def spread(points: Tensor) -> float:
        return float((points.norm(dim=1) - 1).square().mean().sqrt())

    with torch.no_grad():
        sampled = integrate(model.teacher, noise, sampler=Sampler(12, "midpoint"))
        assert spread(sampled) < 0.3 < 0.5 < spread(noise)
        quadrants = torch.bincount(2 * (sampled[:, 0] > 0).long() + (sampled[:, 1] > 0).long(), minlength=4)
        assert int(quadrants.min()) > 350
        copy_submodule("teacher", "student")(model)
        before = spread(model.student.one_step(noise))
    train(model, "student", distillation_steps(arrange, sampler=Sampler(6, "heun"), huber=0.5, repeats=2), 80, 2e-3)
    with torch.no_grad():
        made = model.student.one_step(noise)
    assert spread(made) < 0.4 < 0.5 < before
    assert float(coupling_loss(made, sampled).mean()) < 0.2


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_samplers_converge_at_their_order(method: str, order: int) -> None:
    # dx/dt = x (1 + t) has x(1) = x(0) exp(3/2)
    def velocity(x: Tensor, time: Tensor, context: None, mask: None) -> Tensor:
        return x * (1 + time.unsqueeze(1))

    start = torch.ones(1, 1, dtype=torch.float64)
    errors = [
        abs(float(integrate(velocity, start, sampler=Sampler(steps, method))) - math.exp(1.5)) for steps in (20, 40)
    ]
    assert 0.85 * order < math.log2(errors[0] / errors[1]) < 1.15 * order
    assert Sampler(20, method).evaluations == 20 * order


def test_loss_is_zero_for_the_true_velocity_and_blind_to_padding() -> None:
    mask = torch.tensor([[True, True, False], [True, False, False]])
    data, noise = torch.randn(2, 3, 2), torch.randn(2, 3, 2, dtype=torch.float64)
    time = torch.tensor([0.3, 0.8])
    truth = (data - noise.float()) * mask.unsqueeze(-1)
    assert float(matching_loss(lambda *_: truth, Target(data, None, mask), noise, time).max()) == 0.0
    off = truth + 2.0 * mask.unsqueeze(-1)
    assert torch.allclose(matching_loss(lambda *_: off, Target(data, None, mask), noise, time), torch.full((2,), 4.0))
    field = VelocityField(SetGenerator(2, 2, context=8, width=8, layers=1), 8)
    other = torch.where(mask.unsqueeze(-1), data, 9.0)
    assert torch.equal(
        matching_loss(field, Target(data, None, mask), noise, time),
        matching_loss(field, Target(other, None, mask), noise, time),
    )
    assert torch.all(field.one_step(noise.float(), None, mask)[~mask] == 0)


def test_huber_loss_equals_the_square_for_small_and_grows_linearly_for_large_differences() -> None:
    made = torch.tensor([[0.1], [3.0]])
    loss = coupling_loss(made, torch.zeros(2, 1), huber=1.0)
    assert torch.allclose(loss, torch.tensor([0.01, 2 * (3.0 - 0.5)]))


def test_training_times_are_uniform_or_logit_normal() -> None:
    noise = Noise(3, torch.arange(20000))
    uniform = training_times(noise)
    assert abs(float(uniform.mean()) - 0.5) < 0.01 and abs(float(uniform.var()) - 1 / 12) < 0.002
    middle = training_times(Noise(4, torch.arange(20000)), spread=1.0)
    assert abs(float(torch.logit(middle).std()) - 1.0) < 0.02
    assert float(((middle - 0.5).abs() < 0.25).float().mean()) > 0.7


def test_bad_sampler_is_named() -> None:
    with pytest.raises(ValueError, match="method: 'rk4'"):
        Sampler(4, "rk4")
    with pytest.raises(ValueError, match="steps: 0"):
        Sampler(0)
