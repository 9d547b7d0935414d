"""Statements about the linear inverse model: it finds the process that its data were drawn from."""

import pytest
import torch

from surrogates.models.linear_inverse import LinearInverseModel, correlated
from surrogates.noise import Noise


@pytest.fixture(scope="module")
def process() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Anomalies of a rotating pair and a fading mode a step apart, in 30 cells, and the transition behind them."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.tensor([[0.6, -0.6, 0.0], [0.6, 0.6, 0.0], [0.0, 0.0, 0.3]])
    shock = torch.linalg.cholesky(torch.eye(3) - turn @ turn.T)
    first = torch.randn(20_000, 3, generator=generator)
    second = first @ turn.T + torch.randn(20_000, 3, generator=generator) @ shock.T
    patterns = torch.linalg.qr(torch.randn(30, 3, generator=generator))[0].T * torch.tensor([3.0, 2.5, 2.0])[:, None]
    return first @ patterns, second @ patterns, turn


@pytest.fixture(scope="module")
def fitted(process) -> LinearInverseModel:
    model = LinearInverseModel(3, 30)
    model.fit(process[0], process[1], torch.ones(30))
    return model


def test_the_transition_turns_as_the_process_does(process, fitted):
    found = torch.linalg.eigvals(fitted.transition.double())
    expected = torch.linalg.eigvals(process[2].double())

    def ordered(values: torch.Tensor) -> torch.Tensor:
        return values[torch.argsort(values.imag)]

    assert (ordered(found) - ordered(expected)).abs().max() < 0.03


def test_drawn_anomalies_have_the_datas_covariances_at_both_lags(process, fitted):
    states = list(fitted.states(Noise(1, torch.arange(20_000)), 2, "test"))
    first, second = (fitted.anomalies(state) for state in states)
    for drawn, given in ((first.T @ first, process[0].T @ process[0]), (second.T @ first, process[1].T @ process[0])):
        scale = (process[0].T @ process[0]).diagonal().mean()
        assert (drawn - given).abs().max() / scale < 0.06


def test_a_first_state_does_not_depend_on_how_many_follow(fitted):
    alone = next(fitted.states(Noise(3, torch.arange(4)), 1, "test"))
    series = list(fitted.states(Noise(3, torch.arange(4)), 5, "test"))
    assert torch.equal(alone, series[0]) and len(series) == 5


def test_a_transition_seen_in_few_samples_does_not_grow():
    generator = torch.Generator().manual_seed(1)
    first = torch.randn(40, 60, generator=generator)
    model = LinearInverseModel(30, 60)
    model.fit(first, first + 0.01 * torch.randn(40, 60, generator=generator), torch.ones(60))
    assert torch.linalg.matrix_norm(model.transition, 2) <= 0.996


def test_correlated_noise_keeps_its_variance_and_its_share():
    generator = torch.Generator().manual_seed(2)
    before = torch.randn(100_000, generator=generator)
    after = correlated(before, torch.randn(100_000, generator=generator), torch.tensor(0.6))
    assert float(after.var()) == pytest.approx(1.0, abs=0.02)
    assert float((before * after).mean()) == pytest.approx(0.6, abs=0.02)
