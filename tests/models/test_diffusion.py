"""Diffusion finds its distribution by every sampler, its chain inverts, and its laws weigh as they say."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from surrogates.contract.recipe import Batch
from surrogates.models.diffusion import Penalty, Sampler, Schedule, diffuse, diffusion_steps
from surrogates.networks.mlp import MLP
from surrogates.noise import Noise

MEAN, SPREAD = torch.tensor([1.5, -0.5]), torch.tensor([0.3, 0.8])


class NoiseOfNormal:
    """The exact noise predictor of data that are normal with `MEAN` and `SPREAD`."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def __call__(self, x: Tensor, time: Tensor) -> Tensor:
        signal, spread = self.schedule.shares((time * (len(self.schedule) - 1)).round().long(), x)
        return spread * (x - signal * MEAN) / (signal**2 * SPREAD**2 + spread**2)


def noise(n: int, seed: int = 0, first: int = 0) -> Noise:
    return Noise(seed, torch.arange(first, first + n))


def test_linear_schedule_is_that_of_the_paper() -> None:
    schedule = Schedule()
    assert len(schedule) == 1000
    assert float(schedule.kept[0]) == pytest.approx(1 - 1e-4)
    assert float(schedule.kept[1] / schedule.kept[0]) == pytest.approx(1 - (1e-4 + (0.02 - 1e-4) / 999))
    assert float(schedule.kept[-1]) == pytest.approx(4.04e-5, rel=0.01)


def test_reconstruction_inverts_the_noising() -> None:
    schedule, x, e = Schedule(50), torch.randn(8, 3, 4, 4), torch.randn(8, 3, 4, 4)
    time = torch.randint(50, (8,))
    assert torch.allclose(schedule.reconstructed(schedule.noised(x, e, time), e, time), x, atol=1e-5)


@pytest.mark.parametrize(
    ("sampler", "tolerance"), [(Sampler(40), 0.12), (Sampler(300), 0.03), (Sampler(300, "ancestral"), 0.03)]
)
def test_every_sampler_finds_a_normal_distribution(sampler: Sampler, tolerance: float) -> None:
    schedule = Schedule(300, 3e-4, 0.06)
    x = diffuse(NoiseOfNormal(schedule), schedule, (2,), noise(4000), sampler)
    assert torch.allclose(x.mean(0), MEAN, atol=0.05)
    assert torch.allclose(x.std(0) / SPREAD, torch.ones(2), atol=tolerance + 3 / math.sqrt(2 * 4000))


def test_ancestral_sampling_at_all_steps_is_algorithm_2() -> None:
    schedule, start = Schedule(2, 0.1, 0.4), noise(5).normal((3,), "a", "start").float()
    found = torch.full((5, 3), 0.7)
    made = diffuse(lambda x, t: found, schedule, (3,), noise(5), Sampler(2, "ancestral"), draw="a")
    kept, before = schedule.kept[1], schedule.kept[0]
    mean = (start - 0.4 / torch.sqrt(1 - kept) * found) / math.sqrt(0.6)
    variance = (1 - before) / (1 - kept) * 0.4
    x = mean + torch.sqrt(variance) * noise(5).normal((3,), "a", 0)
    last = (x - torch.sqrt(1 - before) * found) / torch.sqrt(before)
    assert torch.allclose(made.double(), last, atol=1e-5)


def test_samples_depend_on_their_identity_alone_and_on_the_noise_only_at_the_start_with_ddim() -> None:
    schedule = Schedule(100)
    predict = NoiseOfNormal(schedule)
    whole = diffuse(predict, schedule, (2,), noise(8), Sampler(10, "ancestral"))
    part = diffuse(predict, schedule, (2,), noise(3, first=4), Sampler(10, "ancestral"))
    assert torch.equal(whole[4:7], part)
    draws = noise(8)
    diffuse(predict, schedule, (2,), draws, Sampler(10))
    assert len(draws._used) == 1


def test_bounds_hold_for_samples_of_a_wrong_predictor() -> None:
    x = diffuse(lambda x, t: torch.zeros_like(x), Schedule(20), (2,), noise(50), Sampler(5), bounds=(-1.0, 1.0))
    assert float(x.abs().max()) <= 1.0


def test_samplers_and_schedules_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="steps: 0"):
        Sampler(0)
    with pytest.raises(ValueError, match="'euler' is unknown; expected one of ddim, ancestral"):
        Sampler(5, "euler")
    with pytest.raises(ValueError, match="at most 20"):
        diffuse(lambda x, t: x, Schedule(20), (2,), noise(1), Sampler(21))
    with pytest.raises(ValueError, match="schedule"):
        Schedule(10, 0.02, 1e-4)


class Denoiser(nn.Module):
    """A perceptron of two numbers, the time and a sign."""

    ships = ("network",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = MLP(2, 2, 48, 3, context=2)
        self.schedule = Schedule(100, 1e-3, 0.15)

    def denoise(self, x: Tensor, time: Tensor, sign: Tensor) -> Tensor:
        return self.network(x, torch.cat((time[:, None], sign), dim=1))


def batch(step: int, n: int = 256) -> Batch:
    torch.manual_seed(step)
    sign = torch.sign(torch.randn(n, 1))
    angle = math.pi * torch.rand(n)
    x = torch.stack((torch.cos(angle), torch.sin(angle)), dim=1) * sign  # upper or lower half of the circle
    return Batch({"x": x}, {"sign": sign}, Noise(step, torch.arange(n)), step)


def steps(*laws: Penalty):
    return diffusion_steps(
        lambda model, b: b.encoded["x"], lambda model, b, x, t: model.denoise(x, t, b.conditions["sign"]), laws=laws
    )


def off_circle(model: Denoiser, b: Batch, x: Tensor) -> Tensor:
    return (x.square().sum(1) - 1.0).square().clamp(max=4.0)


def test_a_law_adds_its_weighted_residual_of_the_implied_data() -> None:
    model, b = Denoiser(), batch(3)
    (_, plain), (_, lawful) = (
        next(steps(*laws)(model, (torch.manual_seed(1), b)[1])) for laws in ((), (Penalty(2.0, off_circle),))
    )
    torch.manual_seed(1)
    time, drawn = torch.randint(100, (256,)), torch.randn(256, 2)
    noised = model.schedule.noised(b.encoded["x"], drawn, time)
    found = model.denoise(noised, time.float() / 99, b.conditions["sign"])
    implied = model.schedule.reconstructed(noised, found, time)
    expected = 2.0 * model.schedule.kept[time].float() ** 2 * off_circle(model, b, implied)
    assert torch.allclose(lawful - plain, expected, atol=1e-5)
    assert torch.allclose(plain, (found - drawn).square().mean(1), atol=1e-6)


def test_training_learns_a_conditional_distribution() -> None:
    model = Denoiser()
    optimiser = torch.optim.Adam(model.parameters(), 4e-3)
    step = steps(Penalty(0.1, off_circle))
    for k in range(700):
        for _, loss in step(model, batch(k)):
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
    sign = torch.ones(400, 1)
    with torch.no_grad():
        x = diffuse(lambda x, t: model.denoise(x, t, sign), model.schedule, (2,), noise(400), Sampler(25))
    assert float((x.norm(dim=1) - 1.0).abs().median()) < 0.08
    assert float((x[:, 1] > -0.1).float().mean()) > 0.95
    assert float(x[:, 0].std()) == pytest.approx(math.sqrt(0.5), abs=0.12)
