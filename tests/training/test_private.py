"""A private phase clips a sample at a time, draws from the system's entropy, counts what it began, and leaks no more
than it says; mechanisms that are broken in the usual ways leak more, and the audit shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrogates.contract.recipe import Adam, Batch, Phase, Privacy, Recipe
from surrogates.models.private import audited_epsilon
from surrogates.training import optimisers, private
from surrogates.training.loop import TrainingError
from surrogates.training.pools import Pool
from surrogates.training.private import LEDGER, PrivacyError, PrivatePhase, clipped_sum
from surrogates.training.train import fit, release

torch.set_num_threads(1)

CANARIES = 1000
DELTA = 1e-7


class Identity(nn.Module):
    def fit(self, pools) -> None:
        pass

    def encode(self, physical: dict[str, Tensor]) -> dict[str, Tensor]:
        return dict(physical)

    def decode(self, encoded: dict[str, Tensor], conditions: dict[str, Tensor]) -> dict[str, Tensor]:
        return encoded


class Board(nn.Module):
    """One number a canary: whoever is trained on raises their own."""

    ships = ("marks",)

    def __init__(self, size: int = CANARIES) -> None:
        super().__init__()
        self.marks = nn.Module()
        self.marks.value = nn.Parameter(torch.zeros(size))


def raise_marks(model: Board, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    yield "marks", -1000.0 * model.marks.value[batch.encoded["who"]]


def phase(noise: float | Callable, updates: int = 12, clip: float = 1.0, delta: float = DELTA) -> Phase:
    settings = Adam(0.1, clip=0.0, warmup=0)
    return Phase(raise_marks, updates, {"marks": settings}, average=0.0, privacy=Privacy(clip, noise, delta))


def recipe(one: Phase, batch: int) -> Recipe:
    return Recipe(data=None, model=lambda codec: Board(), phases=(one,), batch_size=batch)


def trained_marks(folder: Path, noise: float | Callable, included: np.ndarray, updates: int = 12) -> np.ndarray:
    who = torch.from_numpy(np.flatnonzero(included))
    one = phase(noise, updates)
    fit(Board(), Identity(), [Pool({"who": who}, {})], recipe(one, len(who) // 2), folder, device="cpu", progress=False)
    return release(folder)["marks.value"].numpy()


def audited(folder: Path, noise: float | Callable) -> float:
    included = np.random.default_rng(8).random(CANARIES) < 0.5
    return audited_epsilon(trained_marks(folder, noise, included), included, DELTA, confidence=0.99)


EPSILON = 2.0


@pytest.fixture(scope="module")
def stated() -> Callable:
    """(rate, updates, samples) -> the noise of the stated epsilon, found once."""
    pytest.importorskip("opacus")
    from surrogates.models.private import noise_for

    return cache(partial(noise_for, epsilon=EPSILON, delta=DELTA))


def test_the_audit_stays_below_the_stated_epsilon(tmp_path, stated):
    assert audited(tmp_path, stated) <= EPSILON


def test_without_noise_the_audit_exceeds_it(tmp_path, stated, monkeypatch):
    monkeypatch.setattr(PrivatePhase, "noised", lambda self, total: [place / self.batch_size for place in total])
    assert audited(tmp_path, stated) > EPSILON


def test_with_the_whole_batch_clipped_instead_of_each_sample_it_exceeds_it(tmp_path, stated, monkeypatch):
    def clipped_batch(model, phase, name, encoded, conditions, clip, step):
        ((_, losses),) = phase.steps(model, Batch(encoded, conditions, None, step))
        found = torch.autograd.grad(losses.mean(), list(model.get_submodule(name).parameters()))
        norm = torch.stack([g.square().sum() for g in found]).sum().sqrt()
        return [g * (clip / norm).clamp_max(1.0) * len(losses) for g in found]

    monkeypatch.setattr(private, "clipped_sum", clipped_batch)
    assert audited(tmp_path, stated) > EPSILON


def test_with_the_noise_added_after_the_optimiser_it_exceeds_it(tmp_path, stated, monkeypatch):
    seen: list[PrivatePhase] = []

    def quiet(self, total):
        seen.append(self)
        return [place / self.batch_size for place in total]

    step = optimisers.Optimiser.step

    def noisy_step(self, rate):
        step(self, rate)
        spread = rate * seen[-1].noise * seen[-1].clip / seen[-1].batch_size
        with torch.no_grad():
            for parameter in (p for part in self.parts for group in part.param_groups for p in group["params"]):
                parameter += spread * torch.randn_like(parameter)

    monkeypatch.setattr(PrivatePhase, "noised", quiet)
    monkeypatch.setattr(optimisers.Optimiser, "step", noisy_step)
    assert audited(tmp_path, stated) > EPSILON


def test_the_audit_sees_nothing_in_coins_and_much_in_what_is_known():
    coins = np.random.default_rng(3).random(300) < 0.5
    assert audited_epsilon(np.random.default_rng(4).random(300), coins, 1e-5, confidence=0.999) < 0.5
    assert audited_epsilon(coins.astype(float), coins, 1e-5) > 3.0


def test_an_aggregated_loss_is_refused(tmp_path):
    def mean(model, batch):
        yield "marks", (-1000.0 * model.marks.value[batch.encoded["who"]]).mean()

    one = Phase(mean, 3, {"marks": Adam()}, privacy=Privacy(1.0, 1.0, 1e-3))
    with pytest.raises(PrivacyError, match="one loss a sample"):
        fit(
            Board(), Identity(), [Pool({"who": torch.arange(50)}, {})], recipe(one, 10), tmp_path, device="cpu",
            progress=False,
        )  # fmt: skip


def test_each_sample_is_clipped_by_itself():
    model = nn.Module()
    model.line = nn.Linear(3, 2)

    def squares(model, batch):
        yield "line", (model.line(batch.encoded["x"]) - batch.conditions["y"]).square().sum(dim=1)

    x, y, clip = torch.randn(70, 3) * torch.logspace(-2, 1, 70)[:, None], torch.randn(70, 2), 0.7
    whole = clipped_sum(model, Phase(squares, 1, {"line": Adam()}), "line", {"x": x}, {"y": y}, clip, 0)
    expected = [torch.zeros_like(p) for p in model.line.parameters()]
    for i in range(70):
        loss = (model.line(x[i]) - y[i]).square().sum()
        own = torch.autograd.grad(loss, list(model.line.parameters()))
        norm = float(torch.cat([g.flatten() for g in own]).norm())
        for place, g in zip(expected, own, strict=True):
            place += g * min(1.0, clip / norm)
    for found, wanted in zip(whole, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_equal_seeds_give_other_noise_and_no_seed_is_kept(tmp_path):
    included = np.arange(CANARIES) < 100
    first, second = (trained_marks(tmp_path / name, 1.0, included, 3) for name in ("a", "b"))
    assert not np.array_equal(first, second)
    kept = json.loads((tmp_path / "a" / LEDGER).read_text())
    assert set(kept) == {"samples", "sampling_rate", "noise_multiplier", "clip", "delta", "updates", "begun"}


def test_updates_that_a_killed_run_began_are_counted_and_left_out(tmp_path, monkeypatch):
    who, one = torch.arange(100), phase(1.0, updates=60)
    started: list[int] = []
    begin = PrivatePhase.begin

    def counting(self, step):
        begin(self, step)
        started.append(step)
        if len(started) == 10:
            raise KeyboardInterrupt  # as if killed: nothing is saved

    monkeypatch.setattr(PrivatePhase, "begin", counting)
    again = partial(
        fit, Board(), Identity(), [Pool({"who": who}, {})], recipe(one, 20), tmp_path, device="cpu", progress=False
    )
    with pytest.raises(KeyboardInterrupt):
        again()
    assert json.loads((tmp_path / LEDGER).read_text())["begun"] == 25
    again()
    assert started[10] == 25 and len(started) == 10 + 35
    assert json.loads((tmp_path / LEDGER).read_text())["begun"] == 60


@pytest.mark.parametrize(
    ("one", "batch", "named"),
    [
        (phase(1.0, delta=0.02), 20, "delta"),
        (phase(1.0, delta=1e-3), 200, "batch_size"),
    ],
)
def test_what_cannot_be_private_is_named(tmp_path, one, batch, named):
    with pytest.raises(PrivacyError, match=named):
        fit(
            Board(), Identity(), [Pool({"who": torch.arange(100)}, {})], recipe(one, batch), tmp_path, device="cpu",
            progress=False,
        )  # fmt: skip


def test_a_second_phase_on_the_same_samples_is_refused(tmp_path):
    open_phase = Phase(raise_marks, 2, {"marks": Adam()})
    both = Recipe(data=None, model=lambda codec: Board(), phases=(open_phase, phase(1.0)), batch_size=10)
    with pytest.raises(TrainingError, match="private phase alone"):
        fit(Board(), Identity(), [Pool({"who": torch.arange(100)}, {})], both, tmp_path, device="cpu", progress=False)
